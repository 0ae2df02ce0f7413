with changes as (
    {{ opportunity_changes('zoho', 'deals') }}
),

packages as (
    select * from {{ source('ops', 'packages') }}
    where source = 'zoho'
),

visits as (
    select
        _org,
        _record_id,
        {{ lookup_id('Potential_Name') }} as opportunity_id,
        _package_id
    from {{ source('zoho', 'deal_history__history') }}
),

-- a visit that moves to another deal changes both
changed_visits as (
    select visits._org, visits._record_id, max(packages.load_order) as load_order
    from visits
    inner join packages on packages.package_id = visits._package_id
    group by visits._org, visits._record_id
),

visits_in_place as (
    {{ changed_in_place('zoho', 'deal_history') }}
)

select source_org, opportunity_id, load_order from changes

union all

select visits._org, visits.opportunity_id, changed_visits.load_order
from visits
inner join changed_visits
    on changed_visits._org = visits._org
    and changed_visits._record_id = visits._record_id

union all

select visits._org, visits.opportunity_id, visits_in_place.load_order
from visits
inner join visits_in_place on visits_in_place.org = visits._org
