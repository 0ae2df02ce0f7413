with unioned as (
    {{ union_sources('opportunities', opportunity_columns()) }}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'opportunity_id']) }} as opportunity_key,
    unioned.*
from unioned
