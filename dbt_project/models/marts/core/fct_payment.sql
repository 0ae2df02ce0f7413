with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

counted as (
    select * from {{ ref('int_crm__payments') }}
    where is_counted
),

payments as (
    {{ fx_converted('counted', 'events.paid_on') }}
),

-- a receipt in a spreadsheet that names nobody is the account owner's
account_owners as (
    select
        accounts.account_key,
        owner_refs.record_key as user_key,
        owner_members.user_uid
    from {{ ref('int_crm__accounts_unioned') }} as accounts
    {{ ledger_lookups('accounts', ['owner']) }}
)

select
    -- keys
    cast(payments.payment_key as {{ type_text() }}) as payment_key,
    {{ ledger_common('payments', 'payment_id', owner=false) }}
    cast(
        case
            when owner_refs.record_key <> 'unassigned' then owner_refs.record_key
            else coalesce(account_owners.user_key, 'unassigned')
        end as {{ type_text() }}
    ) as owner_user_key,
    cast(
        case
            when owner_refs.record_key <> 'unassigned' then coalesce(owner_members.user_uid, owner_refs.record_key)
            else coalesce(account_owners.user_uid, 'unassigned')
        end as {{ type_text() }}
    ) as owner_user_uid,
    {{ referred('refunded') }} as refunded_payment_key,

    -- what it is
    cast(payments.payment_no as {{ type_text() }}) as payment_no,
    cast(payments.payment_kind as {{ type_text() }}) as payment_kind,
    cast(coalesce(methods.code, 'unmapped') as {{ type_text() }}) as payment_method,
    cast(payments.source_method as {{ type_text() }}) as source_method,

    -- money
    {{ ledger_money('payments') }}

    -- days
    cast(payments.paid_on as date) as paid_on,

    -- how we know
    {{ ledger_evidence('payments') }}
from payments
cross join as_of
{{ ledger_lookups('payments', ['account', 'owner', 'refunded']) }}
left join account_owners on account_owners.account_key = account_refs.record_key
{{ coded('payments', 'source_method', 'payment_method', 'methods') }}
