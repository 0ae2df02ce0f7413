with unioned as (
    {{ union_sources('opportunity_versions', opportunity_columns()) }}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'opportunity_id']) }} as opportunity_key,
    {{ business_date('coalesce(deleted_at, modified_at)') }} as valid_on,
    unioned.*
from unioned
