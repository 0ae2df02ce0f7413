{{ config(severity='warn') }}

-- Mend the dates in the CRM; until then these have no cycle.
select opportunity_key, created_on, closed_on
from {{ ref('fct_opportunity') }}
where closed_on < created_on
