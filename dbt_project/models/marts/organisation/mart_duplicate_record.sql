with repeated_leads as (
    select * from {{ ref('int_crm__repeated_leads') }}
),

opportunities as (
    select * from {{ ref('fct_opportunity') }}
),

visits as (
    select * from {{ ref('fct_visit') }}
    where is_made and visited_on is not null and account_uid <> 'unassigned'
),

quotes as (
    select * from {{ ref('fct_quote') }}
    where quote_status <> 'rejected' and amount > 0 and quoted_on is not null
        and account_uid <> 'unassigned'
),

as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

people as (
    select
        lookups.reference_key,
        coalesce(members.user_uid, lookups.record_key) as user_uid
    from {{ ref('int_crm__references') }} as lookups
    left join {{ ref('int_crm__user_members') }} as members on members.user_key = lookups.record_key
    where lookups.entity = 'user'
),

-- The first visit of a company on a day, and each by somebody else after it.
first_visits as (
    select
        visits.visit_key,
        visits.owner_user_uid,
        first_value(visit_key) over (in_order) as kept_key,
        first_value(owner_user_uid) over (in_order) as kept_owner_uid
    from visits
    window in_order as (partition by account_uid, visited_on order by checked_in_at nulls last, visit_key)
),

offers as (
    select
        quotes.quote_key,
        quotes.quoted_on,
        lag(quote_key) over (in_order) as kept_key,
        lag(quoted_on) over (in_order) as quoted_before_on
    from quotes
    window in_order as (partition by account_uid, currency_code, amount order by quoted_on, quote_key)
),

repeats as (
    {%- for entity in ['account', 'contact', 'product'] %}
    select '{{ entity }}' as entity, {{ entity }}_key as record_key, {{ entity }}_uid as kept_key, 'identity' as rule
    from {{ ref('bridge_' ~ entity ~ '_record') }}
    where {{ entity }}_key <> {{ entity }}_uid
    union all
    {%- endfor %}
    select 'opportunity', copies.opportunity_key, counted.opportunity_key, 'identity'
    from opportunities as copies
    inner join opportunities as counted
        on counted.opportunity_uid = copies.opportunity_uid and not counted.is_duplicate
    where copies.is_duplicate
    union all
    select 'lead', lead_key, kept_key, rule from repeated_leads
    union all
    select 'visit', visit_key, kept_key, 'same_company_same_day' from first_visits
    where owner_user_uid <> kept_owner_uid
    union all
    select 'quote', quote_key, kept_key, 'same_company_same_amount' from offers
    where {{ days_between('quoted_before_on', 'quoted_on') }} <= {{ var('duplicate_quote_days') }}
),

told as (
    select
        'account' as entity, accounts.account_key as record_key, accounts.source_system, bridges.account_uid,
        people.user_uid, {{ business_date('accounts.created_at') }} as told_on,
        cast(null as decimal(18, 2)) as amount_reporting
    from {{ ref('int_crm__accounts_unioned') }} as accounts
    inner join {{ ref('bridge_account_record') }} as bridges on bridges.account_key = accounts.account_key
    left join people on people.reference_key = accounts.owner_reference_key
    union all
    select
        'contact', contacts.contact_key, contacts.source_system, null, people.user_uid,
        {{ business_date('contacts.created_at') }}, null
    from {{ ref('int_crm__contacts_unioned') }} as contacts
    left join people on people.reference_key = contacts.owner_reference_key
    union all
    select 'product', product_key, source_system, null, null, {{ business_date('created_at') }}, null
    from {{ ref('int_crm__products_unioned') }}
    union all
    select 'opportunity', opportunity_key, source_system, account_uid, owner_user_uid, opened_on, amount_reporting
    from opportunities
    union all
    select 'lead', lead_key, source_system, null, owner_user_uid, created_on, null
    from {{ ref('fct_lead') }}
    union all
    select 'visit', visit_key, source_system, account_uid, owner_user_uid, visited_on, null from visits
    union all
    select 'quote', quote_key, source_system, account_uid, owner_user_uid, quoted_on, amount_reporting from quotes
)

select
    cast(repeats.entity as {{ type_text() }}) as entity,
    cast(repeats.record_key as {{ type_text() }}) as record_key,
    cast(repeats.kept_key as {{ type_text() }}) as repeated_key,
    cast(repeats.rule as {{ type_text() }}) as rule,
    cast(told.source_system as {{ type_text() }}) as source_system,
    cast(told.source_system <> kept.source_system as boolean) as is_across_crms,
    cast(told.account_uid as {{ type_text() }}) as account_uid,
    cast(told.user_uid as {{ type_text() }}) as owner_user_uid,
    cast(kept.user_uid as {{ type_text() }}) as repeated_owner_user_uid,
    cast(told.user_uid <> kept.user_uid as boolean) as is_other_owner,
    cast(told.told_on as date) as recorded_on,
    cast({{ days_between('kept.told_on', 'told.told_on') }} as bigint) as days_apart,
    cast(told.amount_reporting as decimal(18, 2)) as amount_reporting,
    cast(as_of.as_of_date as date) as as_of_date,
    {{ metric_version() }} as metric_version
from repeats
cross join as_of
inner join told on told.entity = repeats.entity and told.record_key = repeats.record_key
inner join told as kept on kept.entity = repeats.entity and kept.record_key = repeats.kept_key
