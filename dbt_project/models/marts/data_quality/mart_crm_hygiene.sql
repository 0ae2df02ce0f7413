with people as (
    select * from {{ ref('int_crm__references') }}
    where entity = 'user'
),

broken as (
    select
        rows_of.source,
        rows_of.source_system,
        rows_of.source_org,
        rows_of.stream,
        rows_of.rule,
        coalesce(people.record_key, 'unassigned') as owner_user_key,
        sum(rows_of.set_aside_count) as set_aside_count,
        sum(rows_of.warning_count) as warning_count,
        min(rows_of.since) as since
    from {{ ref('int_ops__broken_rules') }} as rows_of
    left join people on people.reference_key = rows_of.owner_reference_key
    group by 1, 2, 3, 4, 5, 6
),

owned as (
    select
        owners.source,
        owners.source_org,
        owners.stream,
        coalesce(people.record_key, 'unassigned') as owner_user_key,
        sum(owners.record_count) as record_count
    from {{ ref('int_ops__owners') }} as owners
    left join people on people.reference_key = owners.owner_reference_key
    group by 1, 2, 3, 4
),

rules as (
    select * from {{ source('ops', 'rules') }}
)

select
    cast(broken.source as {{ type_text() }}) as source,
    cast(broken.source_system as {{ type_text() }}) as source_system,
    cast(broken.source_org as {{ type_text() }}) as source_org,
    cast(broken.stream as {{ type_text() }}) as stream,
    cast(broken.rule as {{ type_text() }}) as rule,
    cast(rules.severity as {{ type_text() }}) as severity,
    cast(rules.owner as {{ type_text() }}) as rule_owner,
    cast(rules.reason as {{ type_text() }}) as reason,
    cast(broken.owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(users.user_uid as {{ type_text() }}) as owner_user_uid,
    cast(users.user_name as {{ type_text() }}) as owner_name,
    cast(broken.set_aside_count as bigint) as set_aside_count,
    cast(broken.warning_count as bigint) as warning_count,
    cast(coalesce(owned.record_count, 0) as bigint) as record_count,
    cast(
        {{ broken_share('broken.set_aside_count', 'broken.warning_count', 'coalesce(owned.record_count, 0)') }}
        as {{ type_double() }}
    ) as broken_share,
    cast(broken.since as {{ type_timestamp_tz() }}) as since,
    {{ metric_version() }} as metric_version
from broken
left join rules
    on rules.source = broken.source
    and rules.stream = broken.stream
    and rules.rule = broken.rule
left join owned
    on owned.source = broken.source
    and owned.source_org = broken.source_org
    and owned.stream = broken.stream
    and owned.owner_user_key = broken.owner_user_key
left join {{ ref('int_crm__user_members') }} as members on members.user_key = broken.owner_user_key
left join {{ ref('dim_user') }} as users on users.user_uid = members.user_uid
