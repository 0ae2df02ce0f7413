{{ config(severity='warn') }}

-- Ask which 统一社会信用代码 is right and correct the other CRM, or rename one of them: either one of both codes is wrong,
-- or two companies bear one name. Both are counted as they are, as two accounts, until identities are unified.
select
    account_name,
    source_system,
    source_org,
    account_id,
    credit_code,
    other_system,
    other_org,
    other_id,
    other_credit_code
from {{ ref('int_crm__account_pairs') }}
where {{ match_key('credit_code') }} <> {{ match_key('other_credit_code') }}
