with opportunities as (
    select * from {{ ref('fct_opportunity') }} as facts
    where {{ counted_once('facts') }}
),

as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

by_account as (
    select
        opportunities.account_uid,
        opportunities.account_uid <> 'unassigned' as is_ranked,
        count(*) as opportunity_count,
        sum(case when status = 'open' then 1 else 0 end) as open_count,
        sum(case when status = 'won' then 1 else 0 end) as won_count,
        sum(case when status = 'won' then coalesce(amount_reporting, 0) else 0 end) as won_amount,
        sum(case when status = 'won' and amount is not null and fx_rate is null then 1 else 0 end)
            as won_count_without_rate,
        max(case when status = 'won' then closed_on end) as last_won_on
    from opportunities
    group by opportunities.account_uid
),

measured as (
    select
        by_account.*,
        as_of.as_of_date,
        case
            when last_won_on is not null then {{ days_between('last_won_on', 'as_of.as_of_date') }}
        end as recency_days
    from by_account
    cross join as_of
),

-- R, F and M compare buyers with buyers.
cutoffs as (
    select
        {% for value in ['recency_days', 'won_count', 'won_amount'] %}
        {% for fraction in [20, 40, 60, 80] %}
        {{ rfm_cutoff(value, fraction / 100) }} as {{ value }}_{{ fraction }}
        {%- if not loop.last %},{% endif %}
        {% endfor %}
        {%- if not loop.last %},{% endif %}
        {% endfor %}
    from measured
    where is_ranked and won_count > 0
),

scored as (
    select
        measured.account_uid,
        {{ rfm_score_reversed('recency_days', [
            'recency_days_20', 'recency_days_40', 'recency_days_60', 'recency_days_80',
        ]) }} as r_score,
        {{ rfm_score('won_count', ['won_count_20', 'won_count_40', 'won_count_60', 'won_count_80']) }} as f_score,
        {{ rfm_score('won_amount', ['won_amount_20', 'won_amount_40', 'won_amount_60', 'won_amount_80']) }} as m_score
    from measured
    cross join cutoffs
    where is_ranked and won_count > 0
),

cumulated as (
    select
        account_uid,
        row_number() over (order by won_amount desc, account_uid) as value_rank,
        sum(won_amount) over (
            order by won_amount desc, account_uid rows between unbounded preceding and current row
        ) as cumulative_amount,
        sum(won_amount) over (
            order by won_amount desc, account_uid rows between unbounded preceding and current row
        ) - won_amount as cumulative_before,
        sum(won_amount) over () as total_amount
    from measured
    where is_ranked
),

accounts as (
    select * from {{ ref('dim_account') }}
)

select
    cast(measured.account_uid as {{ type_text() }}) as account_uid,
    cast(accounts.account_name as {{ type_text() }}) as account_name,
    cast(accounts.source_system as {{ type_text() }}) as source_system,
    cast(accounts.source_count as integer) as source_count,
    cast(accounts.owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(measured.is_ranked as boolean) as is_ranked,
    cast(measured.opportunity_count as bigint) as opportunity_count,
    cast(measured.open_count as bigint) as open_count,
    cast(measured.won_count as bigint) as won_count,
    cast(measured.won_amount as decimal(18, 2)) as won_amount,
    cast(measured.won_count_without_rate as bigint) as won_count_without_rate,
    cast(measured.last_won_on as date) as last_won_on,
    cast(measured.recency_days as bigint) as recency_days,
    cast(scored.r_score as integer) as r_score,
    cast(scored.f_score as integer) as f_score,
    cast(scored.m_score as integer) as m_score,
    cast(cumulated.value_rank as bigint) as value_rank,
    cast({{ ratio('cumulated.cumulative_amount', 'cumulated.total_amount') }} as {{ type_double() }}) as cumulative_share,
    cast(
        case
            when measured.is_ranked
                then {{ abc_class('cumulated.cumulative_before', 'cumulated.total_amount') }}
        end as {{ type_text() }}
    ) as abc_class,
    cast(measured.as_of_date as date) as as_of_date,
    {{ metric_version() }} as metric_version
from measured
inner join accounts on accounts.account_uid = measured.account_uid
left join scored on scored.account_uid = measured.account_uid
left join cumulated on cumulated.account_uid = measured.account_uid
