{{ config(severity='warn') }}

-- Ask which 统一社会信用代码 is right and correct the other CRM, or rename one of both: either one code is another company's,
-- or two companies bear one name in one place. They count as two until then.
select
    pairs.account_key,
    ones.source_system,
    ones.account_id,
    ones.credit_code,
    pairs.other_account_key,
    others.source_system as other_system,
    others.account_id as other_id,
    others.credit_code as other_credit_code
from {{ ref('map_account_identity') }} as pairs
inner join {{ ref('int_crm__account_evidence') }} as ones on ones.account_key = pairs.account_key
inner join {{ ref('int_crm__account_evidence') }} as others on others.account_key = pairs.other_account_key
where pairs.name_outcome in ('registered', 'exact')
    and pairs.branch_outcome = 'same'
    and pairs.code_outcome in ('differs', 'near', 'unlike')
    and pairs.source_system <> pairs.other_source_system
