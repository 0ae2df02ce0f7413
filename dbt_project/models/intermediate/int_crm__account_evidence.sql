{{ config(materialized='table') }}

with accounts as (
    select * from {{ ref('int_crm__accounts_unioned') }}
),

places as (
    select * from {{ source('identity', 'places') }}
)

select
    accounts.account_key,
    accounts.source_system,
    accounts.source_org,
    accounts.account_id,
    accounts.created_at,
    accounts.modified_at,
    coalesce(companies.norm, '') as name_norm,
    coalesce(companies.core, '') as core,
    coalesce(companies.sound, '') as sound,
    coalesce(companies.place, '') as place,
    coalesce(companies.brand, '') as brand,
    coalesce(companies.trade, '') as trade,
    coalesce(companies.branch, '') as branch,
    coalesce(companies.branch_place, '') as branch_place,
    nullif(credit_codes.code, '') as credit_code,
    coalesce(credit_codes.is_checked, false) as is_code_checked,
    case when credit_codes.is_checked then credit_codes.code end as checked_code,
    nullif(domains.domain, '') as domain,
    nullif(phones.phone_hash, '') as phone_hash,
    nullif(phones.phone_kind, '') as phone_kind,
    coalesce(nullif(provinces.province, ''), nullif(cities.province, '')) as province,
    coalesce(nullif(cities.city, ''), nullif(provinces.city, '')) as city,
    coalesce(industry_map.industry, accounts.industry) as industry
from accounts
left join {{ source('identity', 'companies') }} as companies on companies.value = accounts.account_name
left join {{ source('identity', 'credit_codes') }} as credit_codes on credit_codes.value = accounts.credit_code
left join {{ source('identity', 'domains') }} as domains on domains.value = accounts.website
left join {{ source('identity', 'phones') }} as phones on phones.value = {{ keyed_hash('accounts.phone') }}
left join places as provinces on provinces.value = accounts.province
left join places as cities on cities.value = accounts.city
left join {{ ref('industry_map') }} as industry_map
    on industry_map.source = accounts.source_system and industry_map.source_industry = accounts.industry
