-- Fxiaoke lists no visits of stages; a record tells when its present stage began (stage_changed_at), and
-- int_crm__stage_visits derives visits from versions. The model exists because every CRM's folder offers the same
-- entities.
select
    _org as source_org,
    _record_id as visit_id,
    _record_id as opportunity_id,
    {{ lookup_label('sales_stage') }} as source_stage,
    _modified_at as entered_at,
    _modified_at as modified_at
from {{ source('fxiaoke', 'new_opportunity_obj') }}
where 1 = 0
