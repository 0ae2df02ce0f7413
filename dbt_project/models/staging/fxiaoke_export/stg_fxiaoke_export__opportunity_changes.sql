with packages as (
    select * from {{ source('ops', 'packages') }}
    where source = 'fxiaoke_export'
),

deletions as (
    select * from {{ source('ops', 'deletions') }}
    where source = 'fxiaoke_export' and stream = 'new_opportunity_obj'
),

current_rows as (
    select * from {{ source('fxiaoke_export', 'new_opportunity_obj') }}
),

versions as (
    select * from {{ source('fxiaoke_export', 'new_opportunity_obj__history') }}
),

-- A new name of what a record refers to, or the newer file of an unchanged row, changes current rows in place and
-- makes no version; which rows is not told, so it may be any.
in_place as (
    select org, max(load_order) as load_order
    from packages
    where restamped > 0 and stream = 'new_opportunity_obj'
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
