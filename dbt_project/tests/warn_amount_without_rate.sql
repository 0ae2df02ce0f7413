{{ config(severity='warn') }}

-- Enter the rate in the input 汇率 (exchange_rates), or in the CRM's currency table; until then these amounts are in no
-- sum, and counted beside it.
{%- for fact in money_facts() %}
select '{{ fact }}' as fact, source_system, currency_code, min(fx_on) as first_on, max(fx_on) as last_on, count(*) as row_count
from {{ ref(fact) }}
where amount is not null and fx_rate is null
group by source_system, currency_code
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
