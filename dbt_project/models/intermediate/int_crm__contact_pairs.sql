{{ config(materialized='table') }}

{{ identity_pairs('contact', {
    'email': compared('email_hash'),
    'phone': "case
            when one.phone_kind is null or other.phone_kind is null or one.phone_kind <> 'mobile' then 'missing'
            when one.phone_hash = other.phone_hash then 'equal'
            else 'differs'
        end",
    'name': compared('name_hash'),
    'account': "case
            when one.account_uid = 'unassigned' or other.account_uid = 'unassigned' then 'missing'
            when one.account_uid = other.account_uid then 'same'
            else 'differs'
        end",
}) }}
