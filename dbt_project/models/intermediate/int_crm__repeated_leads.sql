{{ config(materialized='table') }}
{#- More leads than this under one number or mail are a switchboard, not one person. -#}
{%- set most = 30 -%}

with leads as (
    select * from {{ ref('int_crm__leads') }}
),

reached as (
    select leads.lead_key, leads.created_at, 'same_email' as rule, emails.email_hash as reach_key
    from leads
    inner join {{ source('identity', 'emails') }} as emails on emails.value = {{ keyed_hash('leads.email') }}
    where emails.email_hash <> '' and leads.is_counted
    union all
    select leads.lead_key, leads.created_at, 'same_phone', phones.phone_hash
    from leads
    inner join {{ source('identity', 'phones') }} as phones on phones.value = {{ keyed_hash('leads.phone') }}
    where phones.phone_hash <> '' and leads.is_counted
),

ordered as (
    select
        lead_key,
        rule,
        first_value(lead_key) over (
            partition by rule, reach_key order by created_at nulls last, lead_key
            rows between unbounded preceding and unbounded following
        ) as kept_key,
        count(*) over (partition by rule, reach_key) as lead_count
    from reached
),

-- Whoever shares a mail with one lead and a number with another repeats the one with the same mail.
ranked as (
    select
        ordered.*,
        row_number() over (partition by lead_key order by case rule when 'same_email' then 0 else 1 end) as place
    from ordered
    where lead_key <> kept_key and lead_count <= {{ most }}
)

select lead_key, kept_key, rule from ranked
where place = 1
