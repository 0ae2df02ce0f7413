with accounts as (
    select
        unioned.*,
        {{ match_key('account_name') }} as name_key
    from {{ ref('int_crm__accounts_unioned') }} as unioned
)

select
    ours.account_key,
    ours.source_system,
    ours.source_org,
    ours.account_id,
    ours.account_name,
    ours.credit_code,
    theirs.account_key as other_account_key,
    theirs.source_system as other_system,
    theirs.source_org as other_org,
    theirs.account_id as other_id,
    theirs.credit_code as other_credit_code
from accounts as ours
inner join accounts as theirs
    on theirs.name_key = ours.name_key
    and theirs.source_system > ours.source_system
where ours.name_key <> ''
