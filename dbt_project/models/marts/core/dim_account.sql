with accounts as (
    {{ survived('account') }}
),

evidence as (
    select * from {{ ref('int_crm__account_evidence') }}
),

members as (
    select * from {{ ref('int_crm__account_members') }}
),

-- What any of the records tells that no column survives of.
in_common as (
    select
        members.account_uid,
        max(evidence.domain) as domain,
        max(evidence.phone_kind) as phone_kind
    from members
    inner join evidence on evidence.account_key = members.account_key
    group by members.account_uid
),

lookups as (
    select * from {{ ref('int_crm__references') }}
),

user_members as (
    select * from {{ ref('int_crm__user_members') }}
),

resolved as (
    select
        accounts.*,
        evidence.name_norm,
        in_common.domain,
        in_common.phone_kind,
        coalesce(owners.record_key, 'unassigned') as owner_user_key,
        coalesce(owner_members.user_uid, owners.record_key, 'unassigned') as owner_user_uid,
        case
            when parent_members.account_uid not in ('unassigned', accounts.account_uid) then parent_members.account_uid
        end as parent_uid
    from accounts
    inner join evidence on evidence.account_key = accounts.account_uid
    inner join in_common on in_common.account_uid = accounts.account_uid
    left join lookups as owners on owners.reference_key = accounts.owner_reference_key
    left join user_members as owner_members on owner_members.user_key = owners.record_key
    left join lookups as parents on parents.reference_key = accounts.parent_reference_key
    left join members as parent_members on parent_members.account_key = parents.record_key
)

select
    cast(account_uid as {{ type_text() }}) as account_uid,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(source_org as {{ type_text() }}) as source_org,
    cast(source_id as {{ type_text() }}) as source_id,
    cast(source_count as integer) as source_count,
    cast(account_name as {{ type_text() }}) as account_name,
    cast(name_norm as {{ type_text() }}) as name_norm,
    cast(credit_code as {{ type_text() }}) as credit_code,
    cast(domain as {{ type_text() }}) as domain,
    cast(phone_kind as {{ type_text() }}) as phone_kind,
    cast(account_type as {{ type_text() }}) as account_type,
    cast(industry as {{ type_text() }}) as industry,
    cast(country as {{ type_text() }}) as country,
    cast(province as {{ type_text() }}) as province,
    cast(city as {{ type_text() }}) as city,
    cast(employee_count as bigint) as employee_count,
    cast(annual_revenue as decimal(18, 2)) as annual_revenue,
    cast(deal_status as {{ type_text() }}) as deal_status,
    cast(parent_uid as {{ type_text() }}) as parent_uid,
    cast(owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(
        {{ profile_completeness(var('account_profile')) }} as {{ type_double() }}
    ) as profile_completeness,
    cast(created_at as {{ type_timestamp_tz() }}) as created_at,
    cast(false as boolean) as is_unassigned
from resolved

union all

select
    'unassigned', null, null, null, 0, 'Unassigned / 未分配', null, null, null, null, null, null, null, null, null, null, null,
    null, null, 'unassigned', 'unassigned', null, null, true
