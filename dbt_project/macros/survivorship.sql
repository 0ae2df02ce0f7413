{#
    Of several records of one thing, which one's value stands: a rule per column (seed survivorship), kept beside the value.
    Only groups of several records have anything to choose from.
#}

{# Columns that survive, by entity: column → expression over <entity>s_unioned as `told` and its evidence as `read`. #}
{% macro surviving_columns(entity) -%}
    {{ return({
        'account': {
            'account_name': 'told.account_name',
            'account_type': 'told.account_type',
            'industry': 'told.industry',
            'country': 'told.country',
            'province': 'told.province',
            'city': 'told.city',
            'employee_count': 'told.employee_count',
            'annual_revenue': 'told.annual_revenue',
            'deal_status': 'told.deal_status',
            'website': 'told.website',
            'credit_code': 'read.checked_code',
            'owner_reference_key': 'case when coalesce(told.owner_id, told.owner_name) is not null then told.owner_reference_key end',
            'parent_reference_key': 'case when coalesce(told.parent_id, told.parent_name) is not null then told.parent_reference_key end',
        },
        'contact': {
            'contact_name': 'told.contact_name',
            'phone': 'told.phone',
            'email': 'told.email',
            'job_title': 'told.job_title',
            'department': 'told.department',
            'owner_reference_key': 'case when coalesce(told.owner_id, told.owner_name) is not null then told.owner_reference_key end',
            'account_reference_key': 'case when coalesce(told.account_id, told.account_name) is not null then told.account_reference_key end',
        },
        'user': {
            'user_name': 'told.user_name',
            'job_title': 'told.job_title',
            'user_status': 'told.user_status',
            'region': 'told.region',
            'manager_reference_key': 'case when coalesce(told.manager_id, told.manager_name) is not null then told.manager_reference_key end',
        },
        'product': {
            'product_name': 'told.product_name',
            'product_code': 'told.product_code',
            'product_line': 'told.product_line',
            'list_price': 'told.list_price',
        },
    }[entity]) }}
{%- endmacro %}

{# Every value of every record that is one of several. #}
{% macro told_values(entity) -%}
    select
        '{{ entity }}' as entity,
        members.{{ entity }}_uid as uid,
        told.{{ entity }}_key as record_key,
        told.source_system,
        told.modified_at,
        {{ 'told.created_at' }} as created_at,
        named.column_name,
        case named.column_name
            {%- for column, expression in surviving_columns(entity).items() %}
            when '{{ column }}' then cast({{ expression }} as {{ type_text() }})
            {%- endfor %}
        end as told_value
    from {{ ref('int_crm__' ~ entity ~ 's_unioned') }} as told
    inner join (
        select
            {{ entity }}_key,
            {{ entity }}_uid,
            count(*) over (partition by {{ entity }}_uid) as record_count
        from {{ ref('int_crm__' ~ entity ~ '_members') }}
    ) as members
        on members.{{ entity }}_key = told.{{ entity }}_key and members.record_count > 1
    inner join {{ ref('int_crm__' ~ entity ~ '_evidence') }} as read on read.{{ entity }}_key = told.{{ entity }}_key
    cross join (
        {%- for column in surviving_columns(entity) %}
        select '{{ column }}' as column_name{{ ' union all' if not loop.last }}
        {%- endfor %}
    ) as named
{%- endmacro %}

{#
    One row per unified id: the record that existed first, with the values that survive where there are several.
    Columns: <entity>_uid, source_system, source_org, source_id, created_at, source_count, then those of
    surviving_columns, as text where several records were asked (casts are the dimension's).
#}
{% macro survived(entity) -%}
    select
        members.{{ entity }}_uid,
        told.source_system,
        told.source_org,
        told.{{ entity }}_id as source_id,
        told.created_at,
        members.record_count as source_count,
        {%- for column, expression in surviving_columns(entity).items() %}
        case
            when chosen.uid is null then cast({{ expression }} as {{ type_text() }})
            else chosen.{{ column }}
        end as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            {{ entity }}_uid,
            count(*) as record_count
        from {{ ref('int_crm__' ~ entity ~ '_members') }}
        group by {{ entity }}_uid
    ) as members
    inner join {{ ref('int_crm__' ~ entity ~ 's_unioned') }} as told on told.{{ entity }}_key = members.{{ entity }}_uid
    inner join {{ ref('int_crm__' ~ entity ~ '_evidence') }} as read on read.{{ entity }}_key = told.{{ entity }}_key
    left join (
        select
            uid,
            {%- for column in surviving_columns(entity) %}
            max(case when column_name = '{{ column }}' then told_value end) as {{ column }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_crm__survivors') }}
        where entity = '{{ entity }}' and is_survivor
        group by uid
    ) as chosen on chosen.uid = members.{{ entity }}_uid
{%- endmacro %}

{# Body of bridge_<entity>_record: which records a unified one consists of, and what put each of them there. #}
{% macro record_bridge(entity) -%}
with told as (
    select * from {{ ref('int_crm__' ~ entity ~ 's_unioned') }}
),

members as (
    select
        {{ entity }}_key,
        {{ entity }}_uid,
        count(*) over (partition by {{ entity }}_uid) as record_count
    from {{ ref('int_crm__' ~ entity ~ '_members') }}
),

linked as (
    select {{ entity }}_key as record_key, rule, score from {{ ref('map_' ~ entity ~ '_identity') }}
    where decision = 'match' and is_same
    union all
    select other_{{ entity }}_key, rule, score from {{ ref('map_' ~ entity ~ '_identity') }}
    where decision = 'match' and is_same
),

best_links as (
    select
        record_key,
        rule,
        row_number() over (partition by record_key order by score desc, rule) as place
    from linked
)

select
    cast(members.{{ entity }}_key as {{ type_text() }}) as {{ entity }}_key,
    cast(members.{{ entity }}_uid as {{ type_text() }}) as {{ entity }}_uid,
    cast(told.source_system as {{ type_text() }}) as source_system,
    cast(told.source_way as {{ type_text() }}) as source_way,
    cast(told.source_org as {{ type_text() }}) as source_org,
    cast(told.{{ entity }}_id as {{ type_text() }}) as source_id,
    cast(told.{{ entity }}_name as {{ type_text() }}) as {{ entity }}_name,
    cast(
        case
            when members.record_count = 1 then 'alone'
            else best_links.rule
        end as {{ type_text() }}
    ) as rule,
    cast(members.record_count as integer) as record_count
from members
inner join told on told.{{ entity }}_key = members.{{ entity }}_key
left join best_links on best_links.record_key = members.{{ entity }}_key and best_links.place = 1
{%- endmacro %}
