-- Law 6 for money: a converted amount names a rate of fct_fx_rate, was multiplied by that very rate, and rests on a rate
-- of its own currency that held on its day.
{%- for fact in money_facts() %}
select '{{ fact }}' as fact, facts.source_system, facts.source_id, facts.fx_rate_key
from {{ ref(fact) }} as facts
left join {{ ref('fct_fx_rate') }} as rates on rates.fx_rate_key = facts.fx_rate_key
where (facts.amount_reporting is not null or facts.fx_rate_key is not null)
    and (
        rates.fx_rate_key is null
        or rates.fx_rate <> facts.fx_rate
        or rates.currency_code <> facts.currency_code
        or facts.fx_on not between coalesce(rates.valid_from, facts.fx_on) and coalesce(rates.valid_to, facts.fx_on)
        or facts.amount_reporting <> {{ fx_amount('facts.amount', 'rates.fx_rate') }}
    )
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
