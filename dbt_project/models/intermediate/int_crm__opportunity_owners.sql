{{ config(materialized='table') }}

with versions as (
    select
        opportunity_key,
        source_system,
        source_org,
        owner_id,
        owner_name,
        {{ reference_key('user', 'owner_id', 'owner_name') }} as owner_reference_key,
        valid_on,
        modified_at,
        way_rank,
        read_at,
        read_position
    from {{ ref('int_crm__opportunity_versions_unioned') }}
    where deleted_at is null
        {%- if var('as_of_date') %}
        and valid_on <= date '{{ var("as_of_date") }}'
        {%- endif %}
),

-- nearly every opportunity keeps its owner
handed_over as (
    select opportunity_key
    from versions
    group by opportunity_key
    having min(owner_reference_key) <> max(owner_reference_key)
),

days as (
    select
        versions.*,
        lead(valid_on) over (in_order) as next_on
    from versions
    inner join handed_over on handed_over.opportunity_key = versions.opportunity_key
    window in_order as (
        partition by versions.opportunity_key order by valid_on, modified_at, way_rank desc, read_at, read_position
    )
),

compared as (
    select
        days.*,
        lag(owner_reference_key) over (partition by opportunity_key order by valid_on) as owner_before
    from days
    where next_on is null or next_on > valid_on
),

changes as (
    select
        compared.*,
        lead(valid_on) over (partition by opportunity_key order by valid_on) as changed_on
    from compared
    where owner_before is null or owner_before <> owner_reference_key
)

select
    opportunity_key,
    source_system,
    source_org,
    owner_id,
    owner_name,
    owner_reference_key,
    case when owner_before is null then {{ far_past() }} else valid_on end as valid_from,
    coalesce(changed_on, {{ far_future() }}) as valid_to
from changes
