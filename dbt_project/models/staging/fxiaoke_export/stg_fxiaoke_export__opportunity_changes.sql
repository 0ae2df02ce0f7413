with packages as (
    select * from {{ source('ops', 'packages') }}
    where source = 'fxiaoke_export'
),

versions as (
    select * from {{ source('fxiaoke_export', 'new_opportunity_obj__history') }}
)

select
    versions._org as source_org,
    versions._record_id as opportunity_id,
    packages.load_order
from versions
inner join packages on packages.package_id = versions._package_id
