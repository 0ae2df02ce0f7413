with history as (
    select * from {{ ref('int_crm__account_history') }}
),

lookups as (
    select * from {{ ref('int_crm__references') }}
),

account_members as (
    select * from {{ ref('int_crm__account_members') }}
),

user_members as (
    select * from {{ ref('int_crm__user_members') }}
)

select
    cast({{ surrogate_key(['history.account_key', 'history.valid_from']) }} as {{ type_text() }}) as account_history_key,
    cast(history.account_key as {{ type_text() }}) as account_key,
    cast(coalesce(account_members.account_uid, history.account_key) as {{ type_text() }}) as account_uid,
    cast(history.source_system as {{ type_text() }}) as source_system,
    cast(history.source_org as {{ type_text() }}) as source_org,
    cast(history.account_id as {{ type_text() }}) as source_id,
    cast(history.account_name as {{ type_text() }}) as account_name,
    cast(history.account_type as {{ type_text() }}) as account_type,
    cast(history.customer_type as {{ type_text() }}) as customer_type,
    cast(owners.record_key as {{ type_text() }}) as owner_user_key,
    cast(coalesce(user_members.user_uid, owners.record_key) as {{ type_text() }}) as owner_user_uid,
    cast(parents.record_key as {{ type_text() }}) as parent_account_key,
    cast(history.valid_from as {{ type_timestamp_tz() }}) as valid_from,
    cast(history.valid_to as {{ type_timestamp_tz() }}) as valid_to,
    cast(history.recorded_from as {{ type_timestamp_tz() }}) as recorded_from,
    cast(history.is_current as boolean) as is_current,
    cast(history.known_from as {{ type_timestamp_tz() }}) as known_from,
    cast(history.evidence as {{ type_text() }}) as evidence
from history
inner join lookups as owners on owners.reference_key = history.owner_reference_key
left join lookups as parents
    on parents.reference_key = history.parent_reference_key
    and parents.resolution <> 'empty'
left join account_members on account_members.account_key = history.account_key
left join user_members on user_members.user_key = owners.record_key
