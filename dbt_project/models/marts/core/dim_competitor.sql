with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

competitors as (
    select * from {{ ref('int_crm__competitors') }}
    where is_counted
)

select
    cast(competitors.competitor_key as {{ type_text() }}) as competitor_key,
    {{ ledger_common('competitors', 'competitor_id', account=false) }}
    cast(competitors.competitor_name as {{ type_text() }}) as competitor_name,
    cast(competitors.competitor_level as {{ type_text() }}) as competitor_level,
    cast(competitors.advantage as {{ type_text() }}) as advantage,
    cast(competitors.weakness as {{ type_text() }}) as weakness,
    cast(competitors.website as {{ type_text() }}) as website,
    {{ ledger_evidence('competitors') }}
from competitors
cross join as_of
{{ ledger_lookups('competitors', ['owner']) }}
