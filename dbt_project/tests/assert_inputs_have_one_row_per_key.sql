-- The grain of every stg_inputs__ model in one node: a test a model would cost each build a second.
{% set keys = {
    'exchange_rates': 'exchange_rate_id',
    'identity_decisions': 'identity_decision_id',
    'key_results': 'key_result_id',
    'manager_ratings': 'manager_rating_id',
    'market_sizes': 'market_size_id',
    'targets': 'target_id',
    'team_memberships': 'membership_id',
    'teams': 'team_row_id',
    'tier_policies': 'tier_policy_id',
    'visit_policies': 'visit_policy_id',
    'workdays': 'workday_id',
    'contracts': 'contract_row_id',
    'opportunity_splits': 'opportunity_split_id',
    'payment_plans': 'payment_plan_id',
    'receipts': 'receipt_row_id',
    'survey_responses': 'survey_response_id',
} %}
{%- for name, key in keys.items() %}
select '{{ name }}' as input, source_org, {{ key }} as record_id, count(*) as row_count
from {{ ref('stg_inputs__' ~ name) }}
group by source_org, {{ key }}
having count(*) > 1 or source_org is null or {{ key }} is null
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
