{{ config(materialized='table') }}

select
    rates.rate_source,
    rates.source_system,
    rates.source_org,
    rates.currency_code,
    days.day,
    rates.fx_rate_key,
    rates.fx_rate
from {{ ref('int_crm__fx_rates') }} as rates
inner join {{ ref('dim_date') }} as days on days.day between rates.valid_from and rates.valid_to
cross join {{ ref('int_crm__as_of') }} as as_of
where days.day <= as_of.as_of_date
