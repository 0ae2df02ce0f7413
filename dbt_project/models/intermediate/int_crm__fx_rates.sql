{{ config(materialized='table') }}

-- What the business says, towards the reporting currency: as quoted, or turned round.
with quoted as (
    select
        case when base_currency_code = {{ reporting_currency() }} then currency_code else base_currency_code end
            as currency_code,
        case when base_currency_code = {{ reporting_currency() }} then 'direct' else 'inverse' end as evidence,
        rate_date,
        rate as quoted_rate,
        coalesce(units, 1) as quoted_units,
        provider,
        modified_at,
        case
            when base_currency_code = {{ reporting_currency() }}
                then cast(rate / cast(coalesce(units, 1) as {{ type_double() }}) as {{ type_rate() }})
            else cast(coalesce(units, 1) / nullif(cast(rate as {{ type_double() }}), 0) as {{ type_rate() }})
        end as fx_rate
    from (
        select
            currency_code,
            coalesce(base_currency_code, 'CNY') as base_currency_code,
            rate_date,
            rate,
            units,
            provider,
            modified_at
        from {{ ref('stg_inputs__exchange_rates') }}
        where coalesce(rate_type, 'mid') = '{{ var("fx_rate_type") }}'
    ) as stated
    where (currency_code = {{ reporting_currency() }}) <> (base_currency_code = {{ reporting_currency() }})
),

-- of two words about a day the direct one counts, then the newer one
chosen as (
    select *
    from (
        select
            quoted.*,
            row_number() over (
                partition by currency_code, rate_date order by evidence, modified_at desc, fx_rate
            ) as choice
        from quoted
        where fx_rate > 0
    ) as ranked
    where choice = 1
),

inputs as (
    select
        {{ surrogate_key(["'input'", 'currency_code', reporting_currency(), 'rate_date']) }} as fx_rate_key,
        'input' as rate_source,
        evidence,
        cast(null as {{ type_text() }}) as source_system,
        cast(null as {{ type_text() }}) as source_org,
        currency_code,
        rate_date as valid_from,
        least(
            {{ add_days('rate_date', var('fx_max_age_days')) }},
            coalesce(
                {{ add_days('lead(rate_date) over (partition by currency_code order by rate_date)', -1) }},
                date '9999-12-31'
            )
        ) as valid_to,
        fx_rate,
        quoted_rate,
        quoted_units,
        provider
    from chosen
),

-- What the administrators of a CRM set, from the day on which they set it until they set another.
versions as (
    select * from {{ ref('int_crm__currency_versions_unioned') }}
),

set_days as (
    select *
    from (
        select
            versions.*,
            {{ business_date('modified_at') }} as set_on,
            row_number() over (
                partition by source_system, source_org, currency_code, {{ business_date('modified_at') }}
                order by modified_at desc, read_at desc, read_position desc
            ) as choice
        from versions
        where exchange_rate > 0
    ) as ranked
    where choice = 1
),

spans as (
    select
        set_days.*,
        coalesce(
            {{ add_days('lead(set_on) over (partition by source_system, source_org, currency_code order by set_on)', -1) }},
            date '9999-12-31'
        ) as set_until
    from set_days
),

-- Towards the reporting currency by way of the CRM's home currency, where the table has both.
crossed as (
    select
        spans.*,
        greatest(spans.set_on, reporting.set_on) as valid_from,
        least(spans.set_until, reporting.set_until) as valid_to,
        case when reporting.is_home then 'direct' else 'cross' end as evidence,
        cast(
            spans.exchange_rate / cast(reporting.exchange_rate as {{ type_double() }}) as {{ type_rate() }}
        ) as fx_rate
    from spans
    inner join (
        -- a home currency is worth itself on every day, however often somebody touched its row
        select
            source_system,
            source_org,
            currency_code,
            exchange_rate,
            has_home = 1 as is_home,
            case when has_home = 1 then date '0001-01-01' else set_on end as set_on,
            case when has_home = 1 then date '9999-12-31' else set_until end as set_until
        from (
            select
                spans.*,
                max(case when is_home then 1 else 0 end) over (partition by source_system, source_org) as has_home,
                row_number() over (
                    partition by source_system, source_org
                    order by case when is_home then 0 else 1 end, set_on desc
                ) as newness
            from spans
            where currency_code = {{ reporting_currency() }}
        ) as told
        where has_home = 0 or newness = 1
    ) as reporting
        on reporting.source_system = spans.source_system
        and reporting.source_org = spans.source_org
        and reporting.set_on <= spans.set_until
        and reporting.set_until >= spans.set_on
    where spans.currency_code <> {{ reporting_currency() }}
)

select * from inputs

union all

select
    {{ surrogate_key(["'crm'", 'source_system', 'source_org', 'currency_code', reporting_currency(), 'valid_from']) }},
    'crm',
    evidence,
    source_system,
    source_org,
    currency_code,
    valid_from,
    valid_to,
    fx_rate,
    cast(1 / nullif(cast(exchange_rate as {{ type_double() }}), 0) as decimal(18, 8)),
    1,
    currency_name
from crossed
