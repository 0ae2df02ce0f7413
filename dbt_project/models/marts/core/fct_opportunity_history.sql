{{ config(materialized='view') }}

with referring as (
    select * from {{ ref('int_crm__opportunity_history') }}
),

as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

lookups as (
    select * from {{ ref('int_crm__references') }}
),

members as (
    select * from {{ ref('int_crm__account_members') }}
),

product_members as (
    select * from {{ ref('int_crm__product_members') }}
),

user_members as (
    select * from {{ ref('int_crm__user_members') }}
)

select
    -- keys
    cast({{ surrogate_key(['referring.opportunity_key', 'referring.version_seq']) }} as {{ type_text() }})
        as opportunity_version_key,
    cast(referring.opportunity_key as {{ type_text() }}) as opportunity_key,
    cast(referring.version_seq as bigint) as version_seq,
    cast(referring.source_system as {{ type_text() }}) as source_system,
    cast(referring.source_way as {{ type_text() }}) as source_way,
    cast(referring.source_org as {{ type_text() }}) as source_org,
    cast(referring.opportunity_id as {{ type_text() }}) as source_id,
    cast(coalesce(members.account_key, 'unassigned') as {{ type_text() }}) as account_key,
    cast(coalesce(members.account_uid, 'unassigned') as {{ type_text() }}) as account_uid,
    cast(coalesce(named_products.product_key, own_products.product_key, 'unassigned') as {{ type_text() }}) as product_key,
    cast(coalesce(named_owners.user_key, own_owners.user_key, owners.record_key, 'unassigned') as {{ type_text() }}) as owner_user_key,

    -- what it was
    cast(referring.is_present as boolean) as is_present,
    cast(coalesce(referring.pipeline, 'unassigned') as {{ type_text() }}) as pipeline,
    cast(referring.stage as {{ type_text() }}) as stage,
    cast(referring.source_stage as {{ type_text() }}) as source_stage,
    cast(referring.status as {{ type_text() }}) as status,
    cast(referring.amount as decimal(18, 2)) as amount,
    cast(referring.currency_code as {{ type_text() }}) as currency_code,
    cast(referring.expected_close_date as date) as expected_close_date,
    cast(referring.created_at as {{ type_timestamp_tz() }}) as created_at,

    -- when it was so, and since when we know
    cast(referring.valid_from as {{ type_timestamp_tz() }}) as valid_from,
    cast(referring.valid_to as {{ type_timestamp_tz() }}) as valid_to,
    cast(referring.known_from as {{ type_timestamp_tz() }}) as known_from,
    cast(referring.known_to as {{ type_timestamp_tz() }}) as known_to,
    cast(referring.evidence_grade as {{ type_text() }}) as evidence_grade,
    cast(referring.uncertainty_s as bigint) as uncertainty_s,
    cast(as_of.as_of_date as date) as as_of_date
from referring
cross join as_of
left join lookups as accounts on accounts.reference_key = referring.account_reference_key
left join lookups as products on products.reference_key = referring.product_reference_key
left join lookups as owners on owners.reference_key = referring.owner_reference_key
-- what no record names any more, or names otherwise now, is found by its id
left join product_members as named_products
    on named_products.product_key = nullif(products.record_key, 'unassigned')
left join product_members as own_products on own_products.product_key = referring.own_product_key
left join user_members as named_owners on named_owners.user_key = nullif(owners.record_key, 'unassigned')
left join user_members as own_owners on own_owners.user_key = referring.own_owner_key
left join members
    on members.account_key = coalesce(nullif(accounts.record_key, 'unassigned'), referring.own_account_key)
