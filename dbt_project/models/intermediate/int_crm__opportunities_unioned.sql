with unioned as (
    {{ crm_records(
        'opportunities', 'opportunity_id', opportunity_columns(), references=['account', 'product', 'owner']
    ) }}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'opportunity_id']) }} as opportunity_key,
    unioned.*
from unioned
