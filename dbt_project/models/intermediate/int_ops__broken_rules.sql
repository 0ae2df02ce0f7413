with waiting as (
    select
        packages.source,
        packages.org,
        packages.stream,
        set_aside.rule,
        set_aside.owner_id,
        set_aside.owner_name,
        set_aside.package_id,
        set_aside.position,
        min(set_aside.landed_at) as since
    from {{ source('ops', 'set_aside') }} as set_aside
    inner join {{ source('ops', 'packages') }} as packages on packages.package_id = set_aside.package_id
    where set_aside.decision = ''
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

broken as (
    select source, org, stream, rule, owner_id, owner_name, 1 as set_aside_count, 0 as warning_count, since
    from waiting
    union all
    select source, org, stream, rule, owner_id, owner_name, 0, records, since
    from {{ source('ops', 'warnings') }}
),

summed as (
    select
        source,
        {{ crm_of('source') }} as source_system,
        org as source_org,
        stream,
        rule,
        owner_id,
        owner_name,
        sum(set_aside_count) as set_aside_count,
        sum(warning_count) as warning_count,
        min(since) as since
    from broken
    group by source, org, stream, rule, owner_id, owner_name
)

select
    {{ reference_key('user', 'owner_id', 'owner_name') }} as owner_reference_key,
    summed.*
from summed
