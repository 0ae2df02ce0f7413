-- What several ways into one CRM bring is neither lost nor doubled: as many opportunities as there are different
-- records, those set aside and those that the API calls gone left out.
{%- for crm, ways in crm_ways().items() if ways | length > 1 %}
with records as (
    select source_org, opportunity_id, max(modified_at) as modified_at, min(way_rank) as best_rank
    from ({{ keyed_rows(crm, ways, 'opportunities', 'opportunity_id', ['source_org', 'opportunity_id', 'modified_at']) }}) as keyed
    group by source_org, opportunity_id
),

gone as (
    select * from {{ ref('stg_' ~ ways[0] ~ '__deletions') }}
    where entity = 'opportunities'
),

expected as (
    select count(*) as row_count
    from records
    left join gone on gone.source_org = records.source_org and gone.record_id = records.opportunity_id
    where gone.record_id is null or records.best_rank = 1 or records.modified_at > gone.deleted_at
),

shown as (
    select count(*) as row_count
    from {{ ref('int_crm__opportunities_unioned') }}
    where source_system = '{{ crm }}'
)

select expected.row_count as expected_rows, shown.row_count as shown_rows
from expected
cross join shown
where expected.row_count <> shown.row_count
{%- endfor %}
