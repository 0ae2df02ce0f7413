{{ config(severity='warn') }}

-- Mend the record in the CRM or, for products, add a line to seeds/product_alias.csv; until then they are unassigned.
select entity, source_system, source_org, reference_id, mention_count
from {{ ref('int_crm__references') }}
where resolution = 'unresolved'
