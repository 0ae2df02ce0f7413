with listed as (
    select
        currency_code,
        currency_name,
        is_active,
        row_number() over (
            partition by currency_code order by modified_at desc, read_at desc, source_system, source_org, read_position desc
        ) as newness
    from {{ ref('int_crm__currency_versions_unioned') }}
    where currency_code is not null
),

rates as (
    select * from {{ ref('fct_fx_rate') }}
),

occurring as (
    select currency_code from listed
    union
    select currency_code from rates
    {%- for fact in money_facts() %}
    union
    select currency_code from {{ ref(fact) }}
    {%- endfor %}
),

newest as (
    select
        currency_code,
        fx_rate,
        valid_from,
        row_number() over (
            partition by currency_code
            order by case rate_source when 'input' then 1 when 'crm' then 2 else 3 end, valid_from desc, fx_rate_key
        ) as newness
    from rates
)

select
    cast(occurring.currency_code as {{ type_text() }}) as currency_code,
    cast(listed.currency_name as {{ type_text() }}) as currency_name,
    cast(occurring.currency_code = {{ reporting_currency() }} as boolean) as is_reporting,
    cast(listed.is_active as boolean) as is_active_in_crm,
    cast(newest.fx_rate as decimal(20, 12)) as newest_fx_rate,
    cast(newest.valid_from as date) as newest_fx_rate_on
from occurring
left join listed on listed.currency_code = occurring.currency_code and listed.newness = 1
left join newest on newest.currency_code = occurring.currency_code and newest.newness = 1
