with named as (
    select source, org, stream, owner_id, owner_name, records as record_count
    from {{ source('ops', 'record_owners') }}
    union all
    select packages.source, packages.org, packages.stream, set_aside.owner_id, set_aside.owner_name, 0
    from {{ source('ops', 'set_aside') }} as set_aside
    inner join {{ source('ops', 'packages') }} as packages on packages.package_id = set_aside.package_id
    where set_aside.decision = ''
),

owners as (
    select
        source,
        {{ crm_of('source') }} as source_system,
        org as source_org,
        stream,
        owner_id,
        owner_name,
        sum(record_count) as record_count
    from named
    group by source, org, stream, owner_id, owner_name
)

select
    {{ reference_key('user', 'owner_id', 'owner_name') }} as owner_reference_key,
    owners.*
from owners
