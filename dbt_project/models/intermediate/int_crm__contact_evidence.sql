{{ config(materialized='table') }}

with contacts as (
    select * from {{ ref('int_crm__contacts_unioned') }}
),

accounts as (
    select lookups.reference_key, lookups.record_key as account_key, members.account_uid
    from {{ ref('int_crm__references') }} as lookups
    inner join {{ ref('int_crm__account_members') }} as members on members.account_key = lookups.record_key
    where lookups.entity = 'account'
)

select
    contacts.contact_key,
    contacts.source_system,
    contacts.source_org,
    contacts.contact_id,
    contacts.created_at,
    contacts.modified_at,
    accounts.account_key,
    accounts.account_uid,
    nullif(people.name_hash, '') as name_hash,
    nullif(emails.email_hash, '') as email_hash,
    nullif(phones.phone_hash, '') as phone_hash,
    nullif(phones.phone_kind, '') as phone_kind
from contacts
inner join accounts on accounts.reference_key = contacts.account_reference_key
left join {{ source('identity', 'people') }} as people on people.value = {{ keyed_hash('contacts.contact_name') }}
left join {{ source('identity', 'emails') }} as emails on emails.value = {{ keyed_hash('contacts.email') }}
left join {{ source('identity', 'phones') }} as phones on phones.value = {{ keyed_hash('contacts.phone') }}
