with packages as (
    select * from {{ source('ops', 'packages') }}
    where source = 'zoho'
),

versions as (
    select * from {{ source('zoho', 'deals__history') }}
),

stage_visits as (
    select * from {{ source('zoho', 'deal_history__history') }}
)

select
    versions._org as source_org,
    versions._record_id as opportunity_id,
    packages.load_order
from versions
inner join packages on packages.package_id = versions._package_id

union all

select
    stage_visits._org,
    {{ lookup_id('Potential_Name') }},
    packages.load_order
from stage_visits
inner join packages on packages.package_id = stage_visits._package_id
