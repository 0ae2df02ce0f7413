with history as (
    select * from {{ ref('dim_account_history') }}
),

-- Stretches in which only something else than the owner changed are one.
compared as (
    select
        history.*,
        lag(owner_user_key) over in_order as owner_before,
        lag(valid_to) over in_order as ended_before
    from history
    window in_order as (partition by account_key order by valid_from)
),

marked as (
    select
        compared.*,
        sum(case when owner_before = owner_user_key and ended_before = valid_from then 0 else 1 end) over (
            partition by account_key order by valid_from rows between unbounded preceding and current row
        ) as stretch
    from compared
),

stretches as (
    select
        account_key,
        stretch,
        max(account_uid) as account_uid,
        max(source_system) as source_system,
        max(source_org) as source_org,
        max(source_id) as source_id,
        max(owner_user_key) as owner_user_key,
        max(owner_user_uid) as owner_user_uid,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to,
        max(case when is_current then 1 else 0 end) = 1 as is_current,
        min(known_from) as known_from,
        case when max(case when evidence = 'assumed' then 1 else 0 end) = 1 then 'assumed' else 'recorded' end as evidence
    from marked
    group by account_key, stretch
),

followed as (
    select
        stretches.*,
        lag(owner_user_key) over in_order as owner_before,
        lag(valid_to) over in_order as ended_before
    from stretches
    window in_order as (partition by account_key order by valid_from)
)

select
    cast({{ surrogate_key(['account_key', 'valid_from']) }} as {{ type_text() }}) as account_ownership_key,
    cast(account_key as {{ type_text() }}) as account_key,
    cast(account_uid as {{ type_text() }}) as account_uid,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(source_org as {{ type_text() }}) as source_org,
    cast(source_id as {{ type_text() }}) as source_id,
    cast(owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(owner_user_key = 'unassigned' as boolean) as is_in_pool,
    cast(
        case
            when owner_before is null and owner_user_key = 'unassigned' then 'pool'
            when owner_before is null then 'assign'
            when ended_before < valid_from then 'restore'
            when owner_user_key = 'unassigned' then 'return'
            when owner_before = 'unassigned' then 'claim'
            else 'transfer'
        end as {{ type_text() }}
    ) as reason,
    cast(valid_from as {{ type_timestamp_tz() }}) as valid_from,
    cast(valid_to as {{ type_timestamp_tz() }}) as valid_to,
    cast(is_current as boolean) as is_current,
    cast(known_from as {{ type_timestamp_tz() }}) as known_from,
    cast(evidence as {{ type_text() }}) as evidence
from followed
