{#
    Money in the reporting currency (var reporting_currency), in one way for every fact.

    The rate of an event's day is, in this order: the newest of the input exchange_rates on or before that day, at most
    `fx_max_age_days` old; what the CRM's own currency table said that day; what the record itself says. None of these:
    NULL, never 1. `fx_rate` is what one unit is worth; it is not rounded before the amount is.
#}

{% macro type_rate() -%}decimal(20, 12){%- endmacro %}

{% macro reporting_currency() -%}cast('{{ var("reporting_currency") }}' as {{ type_text() }}){%- endmacro %}

{# Zoho says how much of the currency one unit of the home currency buys. #}
{% macro inverse_rate(expression) -%}
    cast(1 / nullif(cast({{ expression }} as {{ type_double() }}), 0) as {{ type_rate() }})
{%- endmacro %}

{# The key of a rate that is no currency table's: 1 for the reporting currency itself, or a record's own. #}
{% macro fx_identity_key() -%}{{ surrogate_key(["'identity'", "'" ~ var('reporting_currency') ~ "'"]) }}{%- endmacro %}

{# money in the reporting currency. #}
{% macro fx_amount(amount, rate='fx_rate') -%}cast(round({{ amount }} * {{ rate }}, 2) as decimal(18, 2)){%- endmacro %}

{#
    The rows of `relation` with currency_code filled in, and after their columns fx_day, fx_rate, fx_rate_key,
    fx_rate_source and, for each of `amounts`, <amount>_reporting.

    relation: a CTE with source_system, source_org, currency_code, exchange_rate (what a unit is worth in the CRM's home
    currency) and the amounts. day: the day of the event, an expression over `relation`; a day to come takes the rate of
    the as-of day.
#}
{% macro fx_converted(relation, day, amounts=['amount']) -%}
    select
        priced.*,
        {%- for amount in amounts %}
        {{ fx_amount('priced.' ~ amount, 'priced.fx_rate') }} as {{ amount }}_reporting{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            dated.*,
            case
                when dated.money_currency = {{ reporting_currency() }} then cast(1 as {{ type_rate() }})
                else coalesce(by_input.fx_rate, by_crm.fx_rate, dated.own_rate)
            end as fx_rate,
            case
                when dated.money_currency = {{ reporting_currency() }} then {{ fx_identity_key() }}
                when coalesce(by_input.fx_rate, by_crm.fx_rate) is not null
                    then coalesce(by_input.fx_rate_key, by_crm.fx_rate_key)
                when dated.own_rate is not null
                    then {{ surrogate_key([
                        "'record'", 'dated.source_system', 'dated.source_org', 'dated.money_currency', 'dated.fx_day',
                        'dated.own_rate',
                    ]) }}
            end as fx_rate_key,
            case
                when dated.money_currency = {{ reporting_currency() }} then 'identity'
                when by_input.fx_rate is not null then 'input'
                when by_crm.fx_rate is not null then 'crm'
                when dated.own_rate is not null then 'record'
            end as fx_rate_source
        from (
            select
                events.*,
                coalesce(events.currency_code, homes.currency_code, {{ reporting_currency() }}) as money_currency,
                -- a record's own rate leads to the CRM's home currency
                case
                    when coalesce(homes.currency_code, {{ reporting_currency() }}) = {{ reporting_currency() }}
                        then events.exchange_rate
                end as own_rate,
                least({{ day }}, fx_as_of.as_of_date) as fx_day
            from {{ relation }} as events
            cross join {{ ref('int_crm__as_of') }} as fx_as_of
            left join {{ ref('int_crm__home_currencies') }} as homes
                on homes.source_system = events.source_system
                and homes.source_org = events.source_org
        ) as dated
        left join {{ ref('int_crm__fx_days') }} as by_input
            on by_input.rate_source = 'input'
            and by_input.currency_code = dated.money_currency
            and by_input.day = dated.fx_day
        left join {{ ref('int_crm__fx_days') }} as by_crm
            on by_crm.rate_source = 'crm'
            and by_crm.source_system = dated.source_system
            and by_crm.source_org = dated.source_org
            and by_crm.currency_code = dated.money_currency
            and by_crm.day = dated.fx_day
    ) as priced
{%- endmacro %}

{# The facts that convert money themselves; others inherit it. A new one is added here. #}
{% macro money_facts() -%}
    {{ return([
        'fct_opportunity', 'fct_quote', 'fct_contract', 'fct_order', 'fct_invoice', 'fct_payment', 'fct_payment_plan',
        'fct_opportunity_competitor',
    ]) }}
{%- endmacro %}
