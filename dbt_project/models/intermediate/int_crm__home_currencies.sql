select
    source_system,
    source_org,
    max(currency_code) as currency_code
from {{ ref('int_crm__currency_versions_unioned') }}
where is_home
group by source_system, source_org
