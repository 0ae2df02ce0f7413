-- Export files carry the stage an opportunity is in, never its past; int_crm__stage_visits derives visits from
-- versions instead. The model exists because every CRM's folder offers the same entities.
select
    _org as source_org,
    _record_id as visit_id,
    _record_id as opportunity_id,
    {{ text_field('sales_stage') }} as source_stage,
    _modified_at as entered_at,
    _modified_at as modified_at
from {{ source('fxiaoke_export', 'new_opportunity_obj') }}
where 1 = 0
