{{ config(severity='warn') }}

-- Add a line to seeds/code_map.csv (kind, the word, our code); until then these are `unmapped`, and of cases open and other.
{%- for fact, column, kind in [
    ['fct_quote', 'quote_status', 'source_status'],
    ['fct_contract', 'contract_status', 'source_status'],
    ['fct_order', 'order_status', 'source_status'],
    ['fct_invoice', 'invoice_status', 'source_status'],
    ['fct_payment', 'payment_method', 'source_method'],
    ['dim_campaign', 'campaign_status', 'source_status'],
] %}
select '{{ column }}' as kind, source_system, {{ kind }} as source_value, count(*) as record_count
from {{ ref(fact) }}
where {{ column }} = 'unmapped' and {{ kind }} is not null
group by source_system, {{ kind }}
union all
{%- endfor %}
{%- for fact, kind, column in [
    ['fct_activity', 'activity_type', 'source_type'],
    ['fct_case', 'case_status', 'source_status'],
    ['fct_case', 'case_type', 'source_type'],
] %}
select '{{ kind }}', facts.source_system, facts.{{ column }}, count(*)
from {{ ref(fact) }} as facts
{{ coded('facts', column, kind, 'codes') }}
where codes.code is null and facts.{{ column }} is not null
group by facts.source_system, facts.{{ column }}
union all
{%- endfor %}
select 'lost_reason', null, lost_reason, 1
from {{ ref('dim_lost_reason') }}
where root_reason = 'unmapped'
