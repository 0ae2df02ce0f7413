-- A fact after the sale lost, doubled or made up records or money on its way from staging: per CRM and kind of record,
-- what staging shows of records that count is what the fact shows. Rows of inputs are in it.
{%- set facts = {
    'fct_quote': [['quotes', 'amount']],
    'fct_order': [['orders', 'amount']],
    'fct_invoice': [['invoices', 'amount']],
    'fct_contract': [['contracts', 'amount']],
    'fct_payment': [['payments', 'amount'], ['refunds', '-amount']],
    'fct_payment_plan': [['payment_plans', 'amount']],
    'fct_activity': [['tasks', '0'], ['calls', '0'], ['events', '0'], ['activity_records', '0'], ['visits', '0']],
    'fct_case': [['cases', '0']],
    'dim_campaign': [['campaigns', 'budgeted_cost']],
    'fct_campaign_member': [['campaign_members', '0']],
    'dim_competitor': [['competitors', '0']],
    'fct_opportunity_competitor': [['opportunity_competitors', 'amount']],
} %}
{%- set inputs = {
    'fct_contract': "select 1 as row_count, coalesce(amount, 0) as money from " ~ ref('stg_inputs__contracts'),
    'fct_payment': "select case when row_number() over (partition by source_org, crm_source, kind, receipt_no, currency_code order by 1) = 1 then 1 else 0 end as row_count, case kind when 'refund' then -amount else amount end as money from " ~ ref('stg_inputs__receipts'),
    'fct_payment_plan': "select 1 as row_count, coalesce(amount, 0) as money from " ~ ref('stg_inputs__payment_plans'),
} %}
{%- for fact, parts in facts.items() %}
{%- set money = {'dim_campaign': 'budgeted_cost'}.get(fact, '0' if parts[0][1] == '0' else 'amount') %}
select '{{ fact }}' as fact, shown.row_count as shown_rows, expected.row_count as expected_rows, shown.money as shown_money,
    expected.money as expected_money
from (select count(*) as row_count, coalesce(sum({{ money }}), 0) as money from {{ ref(fact) }}) as shown
cross join (
    select coalesce(sum(row_count), 0) as row_count, coalesce(sum(money), 0) as money
    from (
        select 0 as row_count, cast(0 as decimal(18, 2)) as money
        {%- for entity, amount in parts %}
        {%- for crm, ways in crm_ways(entity).items() %}
        {%- for way in ways %}
        union all
        select 1, coalesce({{ amount }}, 0)
        from {{ ref('stg_' ~ way ~ '__' ~ entity) }} as part
        left join {{ ref('record_status_map') }} as statuses
            on statuses.source = '{{ crm }}' and statuses.source_record_status = part.source_record_status
        where coalesce(statuses.is_counted, true)
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
        {%- if fact in inputs %}
        union all
        {{ inputs[fact] }}
        {%- endif %}
    ) as parts
) as expected
where shown.row_count <> expected.row_count or shown.money <> expected.money
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
