{{ config(materialized='table') }}

with history as (
    select * from {{ ref('int_crm__user_history') }}
),

members as (
    select * from {{ ref('int_crm__user_members') }}
),

spoken as (
    {%- for kind, column in [
        ('name', 'user_name'), ('number', 'user_number'), ('number', 'user_email'), ('number', 'user_id'),
    ] %}
    select
        '{{ kind }}' as lookup_kind,
        {{ match_key('history.' ~ column) }} as lookup_key,
        coalesce(members.user_uid, history.user_key) as user_uid
    from history
    left join members on members.user_key = history.user_key
    where history.{{ column }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    lookup_kind,
    lookup_key,
    min(user_uid) as user_uid
from spoken
group by lookup_kind, lookup_key
having count(distinct user_uid) = 1
