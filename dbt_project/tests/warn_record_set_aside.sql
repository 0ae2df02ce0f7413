{{ config(severity='warn') }}

-- Export the object again with 唯一性ID, or rename one of the records: several of them have this name.
select entity, source_system, source_org, weak_id, candidate_count
from {{ ref('int_crm__key_map') }}
where decision = 'set_aside'
