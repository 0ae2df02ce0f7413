{{ config(materialized='table') }}

with opportunities as (
    select * from {{ ref('int_crm__opportunities') }}
),

contacts as (
    {{ union_sources('contacts', ['source_org', 'account_id', 'account_name', 'owner_id', 'owner_name']) }}
),

mentions as (
    select account_reference_key as reference_key, 'account' as entity, source_system, source_org,
        account_id as reference_id, account_name as reference_name
    from opportunities
    union all
    select product_reference_key, 'product', source_system, source_org, product_id, product_name
    from opportunities
    union all
    select owner_reference_key, 'user', source_system, source_org, owner_id, owner_name
    from opportunities
    union all
    select owner_reference_key, 'user', source_system, source_org, owner_id, owner_name
    from {{ ref('int_crm__accounts_unioned') }}
    union all
    select parent_reference_key, 'account', source_system, source_org, parent_id, parent_name
    from {{ ref('int_crm__accounts_unioned') }}
    where coalesce(parent_id, parent_name) is not null
    union all
    select {{ reference_key('account', 'account_id', 'account_name') }}, 'account', source_system, source_org,
        account_id, account_name
    from contacts
    union all
    select {{ reference_key('user', 'owner_id', 'owner_name') }}, 'user', source_system, source_org, owner_id,
        owner_name
    from contacts
    union all
    -- owners of whatever else there is: leads, records set aside
    select owner_reference_key, 'user', source_system, source_org, owner_id, owner_name
    from {{ ref('int_ops__owners') }}
    where coalesce(owner_id, owner_name) is not null
    union all
    select manager_reference_key, 'user', source_system, source_org, manager_id, manager_name
    from {{ ref('int_crm__users_unioned') }}
    union all
    -- whom records named before, each spelling once
    select distinct manager_reference_key, 'user', source_system, source_org, manager_id, manager_name
    from {{ ref('int_crm__user_history') }}
    union all
    select distinct owner_reference_key, 'user', source_system, source_org, owner_id, owner_name
    from {{ ref('int_crm__account_history') }}
    union all
    select distinct parent_reference_key, 'account', source_system, source_org, account_parent_id, account_parent_name
    from {{ ref('int_crm__account_history') }}
    union all
    select distinct owner_reference_key, 'user', source_system, source_org, owner_id, owner_name
    from {{ ref('int_crm__opportunity_owners') }}
    union all
    select reference_key, entity, source_system, source_org, reference_id, reference_name
    from {{ ref('int_crm__ledger_mentions') }}
),

-- The key says all of the rest; grouping by it alone costs a third.
distinct_mentions as (
    select
        reference_key,
        min(entity) as entity,
        min(source_system) as source_system,
        min(source_org) as source_org,
        min(reference_id) as reference_id,
        min(reference_name) as reference_name,
        count(*) as mention_count
    from mentions
    group by reference_key
),

-- Where there is an id, only the id counts; names are looked up for files that carry nothing else.
refs as (
    select
        distinct_mentions.*,
        case when reference_id is null then reference_name end as lookup_name,
        case when reference_id is null then {{ match_key('reference_name') }} end as lookup_match_key
    from distinct_mentions
),

records as (
    select 'account' as entity, source_system, source_org, account_id as record_id, account_name as record_name,
        account_key as record_key
    from {{ ref('int_crm__accounts_unioned') }}
    union all
    select 'product', source_system, source_org, product_id, product_name, product_key
    from {{ ref('int_crm__products_unioned') }}
    union all
    select 'user', source_system, source_org, user_id, user_name, user_key
    from {{ ref('int_crm__users_unioned') }}
    union all
    select entity, source_system, source_org, record_id, record_name, record_key
    from {{ ref('int_crm__ledger_referents') }}
),

-- Where every reference carries an id, no name is looked up.
looked_up as (
    select distinct entity, source_system, source_org from refs
    where lookup_name is not null
),

-- Whoever keeps a spreadsheet writes an order's number or its id into one column.
names as (
    select entity, source_system, source_org, record_name, record_key
    from records
    inner join looked_up using (entity, source_system, source_org)
    union
    select entity, source_system, source_org, record_id, record_key
    from {{ ref('int_crm__ledger_referents') }}
    inner join looked_up using (entity, source_system, source_org)
),

-- A person may be referred to by another id than the record's own.
records_by_id as (
    select entity, source_system, source_org, record_id, record_key
    from records
    union
    select 'user', source_system, source_org, reference_id, min(user_key)
    from {{ ref('int_crm__users_unioned') }}
    where reference_id is not null
    group by source_system, source_org, reference_id
    having count(*) = 1
),

-- Names that mean exactly one record; a name that two records share resolves nothing.
exact_names as (
    select entity, source_system, source_org, record_name, min(record_key) as record_key
    from names
    group by entity, source_system, source_org, record_name
    having count(*) = 1
),

match_names as (
    select
        entity,
        source_system,
        source_org,
        {{ match_key('record_name') }} as record_match_key,
        min(record_key) as record_key
    from names
    group by entity, source_system, source_org, {{ match_key('record_name') }}
    having count(*) = 1
),

aliases as (
    select
        match_names.entity,
        match_names.source_system,
        match_names.source_org,
        {{ match_key('product_alias.alias') }} as alias_match_key,
        min(match_names.record_key) as record_key
    from {{ ref('product_alias') }} as product_alias
    inner join match_names
        on match_names.entity = 'product'
        and match_names.source_system = product_alias.source
        and match_names.record_match_key = {{ match_key('product_alias.product_name') }}
    group by 1, 2, 3, 4
    having count(distinct match_names.record_key) = 1
),

candidates as (
    select
        refs.*,
        by_id.record_key as by_id,
        exact_names.record_key as by_exact_name,
        match_names.record_key as by_match_key,
        aliases.record_key as by_alias
    from refs
    left join records_by_id as by_id
        on by_id.entity = refs.entity
        and by_id.source_system = refs.source_system
        and by_id.source_org = refs.source_org
        and by_id.record_id = refs.reference_id
    left join exact_names
        on exact_names.entity = refs.entity
        and exact_names.source_system = refs.source_system
        and exact_names.source_org = refs.source_org
        and exact_names.record_name = refs.lookup_name
    left join match_names
        on match_names.entity = refs.entity
        and match_names.source_system = refs.source_system
        and match_names.source_org = refs.source_org
        and match_names.record_match_key = refs.lookup_match_key
    left join aliases
        on aliases.entity = refs.entity
        and aliases.source_system = refs.source_system
        and aliases.source_org = refs.source_org
        and aliases.alias_match_key = refs.lookup_match_key
),

judged as (
    select
        candidates.*,
        case
            when reference_id is null and reference_name is null then 'empty'
            when by_id is not null then 'id'
            when by_exact_name is not null then 'exact_name'
            when by_match_key is not null then 'match_key'
            when by_alias is not null then 'alias'
            when entity = 'user' then 'inferred'
            else 'unresolved'
        end as resolution
    from candidates
)

select
    reference_key,
    entity,
    source_system,
    source_org,
    reference_id,
    reference_name,
    mention_count,
    resolution,
    case resolution
        when 'id' then by_id
        when 'exact_name' then by_exact_name
        when 'match_key' then by_match_key
        when 'alias' then by_alias
        when 'inferred'
            then {{ surrogate_key([
                'source_system', 'source_org', "coalesce(reference_id, 'name:' || lookup_match_key)",
            ]) }}
        else 'unassigned'
    end as record_key
from judged
