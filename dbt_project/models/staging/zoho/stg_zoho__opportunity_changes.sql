with packages as (
    select * from {{ source('ops', 'packages') }}
    where source = 'zoho'
),

deletions as (
    select * from {{ source('ops', 'deletions') }}
    where source = 'zoho' and stream = 'deals'
),

current_rows as (
    select * from {{ source('zoho', 'deals') }}
),

versions as (
    select * from {{ source('zoho', 'deals__history') }}
),

-- A new name of what a record refers to, or the newer file of an unchanged row, changes current rows in place and
-- makes no version; which rows is not told, so it may be any.
in_place as (
    select org, max(load_order) as load_order
    from packages
    where restamped > 0 and stream = 'deals'
    group by org
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
    select org, max(load_order) as load_order
    from packages
    where restamped > 0 and stream = 'deal_history'
    group by org
)

select
    versions._org as source_org,
    versions._record_id as opportunity_id,
    packages.load_order
from versions
inner join packages on packages.package_id = versions._package_id

union all

select current_rows._org, current_rows._record_id, in_place.load_order
from current_rows
inner join in_place on in_place.org = current_rows._org

union all

-- also of records that were never read here
select deletions.org, deletions.record_id, packages.load_order
from deletions
inner join packages on packages.package_id = deletions.package_id

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
