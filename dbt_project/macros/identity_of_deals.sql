{#
    Records of one deal in two CRMs. THE POPULATION SWITCH: a number of the company keeps only rows for which
    counted_once holds; a number of one CRM keeps them all.
#}

{% macro counted_once(relation) -%}(not {{ relation }}.is_duplicate){%- endmacro %}

{# Which record of a deal counts: the first in this order (var deal_counts_by). #}
{% macro counting_order() -%}
    {%- set orders = {
        'most_advanced': "case status when 'won' then 0 when 'lost' then 1 when 'derailed' then 1 else 2 end, "
            ~ "coalesce(stage_order, 0) desc",
        'most_recent': 'modified_at desc nulls last',
        'preferred_crm': preferred_crm(),
    } %}
    {%- for rule in var('deal_counts_by') %}
    {{ orders[rule] }},
    {%- endfor %}
    opportunities.opportunity_key
{%- endmacro %}

{% macro preferred_crm() -%}
    case source_system{% for crm in var('preferred_crms') %} when '{{ crm }}' then {{ loop.index }}{% endfor %} else 99 end
{%- endmacro %}
