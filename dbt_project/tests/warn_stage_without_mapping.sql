{{ config(severity='warn') }}

-- Add a line to seeds/stage_map.csv; until then these count as open, outside the funnel.
select source_system, source_stage, count(*) as opportunity_count
from {{ ref('fct_opportunity') }}
where stage = 'unmapped'
group by source_system, source_stage
