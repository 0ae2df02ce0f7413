with contacts as (
    {{ survived('contact') }}
),

evidence as (
    select * from {{ ref('int_crm__contact_evidence') }}
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
    cast(contacts.contact_uid as {{ type_text() }}) as contact_uid,
    cast(contacts.source_system as {{ type_text() }}) as source_system,
    cast(contacts.source_org as {{ type_text() }}) as source_org,
    cast(contacts.source_id as {{ type_text() }}) as source_id,
    cast(contacts.source_count as integer) as source_count,
    cast(coalesce(account_members.account_uid, 'unassigned') as {{ type_text() }}) as account_uid,
    cast(coalesce(user_members.user_uid, 'unassigned') as {{ type_text() }}) as owner_user_uid,
    cast(contacts.contact_name as {{ type_text() }}) as contact_name,
    cast(contacts.phone as {{ type_text() }}) as phone,
    cast(contacts.email as {{ type_text() }}) as email,
    cast(evidence.phone_kind as {{ type_text() }}) as phone_kind,
    cast(contacts.email is not null as boolean) as has_email,
    cast(contacts.job_title as {{ type_text() }}) as job_title,
    cast(contacts.department as {{ type_text() }}) as department,
    cast(contacts.created_at as {{ type_timestamp_tz() }}) as created_at,
    cast(false as boolean) as is_unassigned
from contacts
inner join evidence on evidence.contact_key = contacts.contact_uid
left join lookups as accounts on accounts.reference_key = contacts.account_reference_key
left join account_members on account_members.account_key = accounts.record_key
left join lookups as owners on owners.reference_key = contacts.owner_reference_key
left join user_members on user_members.user_key = owners.record_key

union all

select
    'unassigned', null, null, null, 0, 'unassigned', 'unassigned', null, null, null, null, false, null, null, null, true
