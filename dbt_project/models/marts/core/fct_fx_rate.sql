with known as (
    select
        fx_rate_key,
        rate_source,
        evidence,
        source_system,
        source_org,
        currency_code,
        valid_from,
        valid_to,
        fx_rate,
        quoted_rate,
        quoted_units,
        provider
    from {{ ref('int_crm__fx_rates') }}

    union all

    select
        {{ fx_identity_key() }}, 'identity', 'identity', null, null, {{ reporting_currency() }}, null, null,
        cast(1 as {{ type_rate() }}), null, null, null

    {% for fact in money_facts() %}
    union all

    select distinct
        fx_rate_key, 'record', 'direct', source_system, source_org, currency_code, fx_on, fx_on, fx_rate, null, null, null
    from {{ ref(fact) }}
    where fx_rate_source = 'record'
    {% endfor %}
)

-- two facts may have met the same record's rate
select distinct
    cast(fx_rate_key as {{ type_text() }}) as fx_rate_key,
    cast(rate_source as {{ type_text() }}) as rate_source,
    cast(evidence as {{ type_text() }}) as evidence,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(source_org as {{ type_text() }}) as source_org,
    cast(currency_code as {{ type_text() }}) as currency_code,
    cast({{ reporting_currency() }} as {{ type_text() }}) as reporting_currency_code,
    cast(valid_from as date) as valid_from,
    cast(valid_to as date) as valid_to,
    cast(fx_rate as decimal(20, 12)) as fx_rate,
    cast(quoted_rate as decimal(18, 8)) as quoted_rate,
    cast(quoted_units as integer) as quoted_units,
    cast(provider as {{ type_text() }}) as provider
from known
