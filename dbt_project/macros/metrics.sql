{#
    One macro per formula; every mart that shows the number calls it. Definitions and their sources are in the
    column descriptions. A change here raises var metric_version.
#}

{% macro metric_version() -%}cast('{{ var("metric_version") }}' as {{ type_text() }}){%- endmacro %}

{# a / b; NULL over nothing, never 0. #}
{% macro ratio(part, whole) -%}
    (cast({{ part }} as {{ type_double() }}) / nullif(cast({{ whole }} as {{ type_double() }}), 0))
{%- endmacro %}

{# Closed win rate (赢率): won / (won + lost). Derailed and open opportunities are in neither. #}
{% macro win_rate(won, lost) -%}{{ ratio(won, '(' ~ won ~ ' + ' ~ lost ~ ')') }}{%- endmacro %}

{# Sales cycle (成交周期): days from creation to closing; same day = 0; NULL if it would be negative. #}
{% macro cycle_days(created_on, closed_on) -%}
    case when {{ closed_on }} >= {{ created_on }} then {{ days_between(created_on, closed_on) }} end
{%- endmacro %}

{# Share of a person's records that break a rule (问题占比): a row that waits counts beside the version that is loaded. #}
{% macro broken_share(set_aside, warnings, records) -%}
    {{ ratio('(' ~ set_aside ~ ' + ' ~ warnings ~ ')', '(' ~ records ~ ' + ' ~ set_aside ~ ')') }}
{%- endmacro %}

{# Cohort conversion (转化率): passed / entered. #}
{% macro conversion(passed, entered) -%}{{ ratio(passed, entered) }}{%- endmacro %}

{#
    RFM bins as the R package rfm cuts them: cut-offs are the type-7 quintiles + 1, bins are half-open
    (lower <= x < cut), so equal values always share a bin and few distinct values give fewer bins.
#}
{% macro rfm_cutoff(expression, fraction) -%}({{ quantile(expression, fraction) }} + 1){%- endmacro %}

{% macro rfm_score(value, cutoffs) -%}
    (1{% for cutoff in cutoffs %} + case when {{ value }} >= {{ cutoff }} then 1 else 0 end{% endfor %})
{%- endmacro %}

{# Recency is better when smaller. #}
{% macro rfm_score_reversed(value, cutoffs) -%}(6 - {{ rfm_score(value, cutoffs) }}){%- endmacro %}

{# Pareto class: A while the cumulative value BEFORE the row is below 80 % of all, B below 95 %, else C. #}
{% macro abc_class(cumulative_before, total) -%}
    case
        when {{ cumulative_before }} * 100 < {{ total }} * 80 then 'A'
        when {{ cumulative_before }} * 100 < {{ total }} * 95 then 'B'
        else 'C'
    end
{%- endmacro %}

{# Profile completeness (资料完整度): share of the declared columns that are filled. #}
{% macro profile_completeness(columns) -%}
    {{ ratio(
        '(' ~ ('case when ' ~ (columns | join(' is not null then 1 else 0 end + case when '))
            ~ ' is not null then 1 else 0 end') ~ ')',
        columns | length
    ) }}
{%- endmacro %}
