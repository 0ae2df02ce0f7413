{%- set rules = [
    'same_account', 'same_amount', 'same_currency', 'near_created', 'near_close', 'same_name', 'similar_name', 'same_product',
] -%}

with opportunities as (
    select
        opportunities.*,
        accounts.account_uid,
        products.product_uid,
        coalesce(closed_on, expected_close_date) as close_date,
        {{ match_key('opportunity_name') }} as name_key
    from {{ ref('int_crm__opportunities') }} as opportunities
    inner join {{ ref('int_crm__references') }} as account_lookups
        on account_lookups.reference_key = opportunities.account_reference_key
    inner join {{ ref('int_crm__references') }} as product_lookups
        on product_lookups.reference_key = opportunities.product_reference_key
    inner join {{ ref('int_crm__account_members') }} as accounts on accounts.account_key = account_lookups.record_key
    inner join {{ ref('int_crm__product_members') }} as products on products.product_key = product_lookups.record_key
    where is_counted
),

-- One row with the weight and the limit of every rule.
rules as (
    select
        {%- for rule in rules + ['is_same', 'is_unsure'] %}
        max(case when rule = '{{ rule }}' then weight end) as {{ rule }},
        max(case when rule = '{{ rule }}' then within_days end) as {{ rule }}_days{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('opportunity_identity_rules') }}
),

-- A person's last word on a pair, however it was written down; undecided leaves it to the rules.
last_words as (
    select
        words.*,
        row_number() over (
            partition by
                least(left_source || ':' || left_id, right_source || ':' || right_id),
                greatest(left_source || ':' || left_id, right_source || ':' || right_id)
            order by decided_on desc nulls last, modified_at desc, identity_decision_id
        ) as newness
    from {{ ref('stg_inputs__identity_decisions') }} as words
    where entity = 'opportunity' and {{ decided_by_then('words') }}
),

decided as (
    select
        least(one.opportunity_key, other.opportunity_key) as one_key,
        greatest(one.opportunity_key, other.opportunity_key) as other_key,
        max(last_words.decision) as word,
        max(last_words.decided_by) as decided_by,
        max(last_words.decided_on) as decided_on,
        max(last_words.reason) as reason
    from last_words
    inner join opportunities as one
        on one.source_system = last_words.left_source and one.opportunity_id = last_words.left_id
    inner join opportunities as other
        on other.source_system = last_words.right_source and other.opportunity_id = last_words.right_id
    where newness = 1 and decision in ('same', 'different') and one.opportunity_key <> other.opportunity_key
    group by 1, 2
),

-- Never all pairs, and never by name: only records of one customer with one amount, in two CRMs, meet.
candidates as (
    select
        least(one.opportunity_key, other.opportunity_key) as one_key,
        greatest(one.opportunity_key, other.opportunity_key) as other_key
    from opportunities as one
    inner join opportunities as other
        on other.account_uid = one.account_uid
        and other.amount = one.amount
        and other.source_system > one.source_system
    where one.account_uid <> 'unassigned' and one.amount > 0
        and coalesce(one.currency_code = other.currency_code, true)
    union
    select one_key, other_key from decided
),

compared as (
    select
        candidates.one_key,
        candidates.other_key,
        decided.word,
        decided.decided_by,
        decided.decided_on,
        decided.reason,
        least(
            abs({{ days_between('one.created_on', 'other.created_on') }}),
            abs({{ days_between('one.close_date', 'other.close_date') }})
        ) as days_apart,
        case when one.account_uid = other.account_uid and one.account_uid <> 'unassigned' then rules.same_account else 0 end
            as same_account,
        case when one.amount = other.amount and one.amount > 0 then rules.same_amount else 0 end as same_amount,
        case when one.currency_code = other.currency_code then rules.same_currency else 0 end as same_currency,
        case
            when abs({{ days_between('one.created_on', 'other.created_on') }}) <= rules.near_created_days
                then rules.near_created
            else 0
        end as near_created,
        case
            when abs({{ days_between('one.close_date', 'other.close_date') }}) <= rules.near_close_days
                then rules.near_close
            else 0
        end as near_close,
        case when one.name_key = other.name_key then rules.same_name else 0 end as same_name,
        case
            when one.name_key <> other.name_key and {{ text_similarity('one.name_key', 'other.name_key') }} >= 0.9
                then rules.similar_name
            else 0
        end as similar_name,
        case when one.product_uid = other.product_uid and one.product_uid <> 'unassigned' then rules.same_product else 0 end
            as same_product,
        rules.is_same as score_of_same,
        rules.is_unsure as score_of_unsure
    from candidates
    cross join rules
    inner join opportunities as one on one.opportunity_key = candidates.one_key
    inner join opportunities as other on other.opportunity_key = candidates.other_key
    left join decided on decided.one_key = candidates.one_key and decided.other_key = candidates.other_key
),

scored as (
    select
        compared.*,
        {{ rules | join(' + ') }} as score
    from compared
),

-- The pairs of each record, best first. A record that fits two equally well tells nothing.
ranked as (
    select
        one_key,
        other_key,
        max(case when place = 1 and rival_count = 1 then 1 else 0 end) as is_best_for_one
    from (
        select
            sides.*,
            rank() over (partition by side order by score desc, days_apart) as place,
            count(*) over (partition by side, score, days_apart) as rival_count
        from (
            select one_key as side, one_key, other_key, score, days_apart from scored
            union all
            select other_key, one_key, other_key, score, days_apart from scored
        ) as sides
    ) as placed
    group by one_key, other_key
),

judged as (
    select
        scored.*,
        case
            when word is not null then word
            when score >= score_of_same and is_best_for_one = 1 then 'same'
            when score >= score_of_unsure then 'unsure'
            else 'different'
        end as decision
    from scored
    inner join ranked on ranked.one_key = scored.one_key and ranked.other_key = scored.other_key
)

select
    cast(one_key as {{ type_text() }}) as opportunity_key,
    cast(other_key as {{ type_text() }}) as other_opportunity_key,
    {%- for rule in rules %}
    cast({{ rule }} as decimal(5, 2)) as {{ rule }},
    {%- endfor %}
    cast(score as decimal(5, 2)) as score,
    cast(days_apart as bigint) as days_apart,
    cast(decision as {{ type_text() }}) as decision,
    cast(case when word is null then 'score' else 'person' end as {{ type_text() }}) as decided_how,
    cast(decided_by as {{ type_text() }}) as decided_by,
    cast(decided_on as date) as decided_on,
    cast(reason as {{ type_text() }}) as reason
from judged
