{#
    Orders, invoices and receipts as money: one definition for what is summed (int_crm__money_records), what two CRMs
    keep twice (int_crm__document_members) and the test that both agree with the facts.
#}

{# entity → its fact, key, number, day, metric, and (if any) the condition under which it is no money any more. #}
{% macro money_documents() -%}
    {{ return({
        'order': {'fact': 'fct_order', 'key': 'order_key', 'number': 'order_no', 'day': 'ordered_on',
            'metric': 'ordered_amount', 'void': "order_status = 'cancelled'"},
        'invoice': {'fact': 'fct_invoice', 'key': 'invoice_key', 'number': 'invoice_no', 'day': 'issued_on',
            'metric': 'invoiced_amount', 'void': "invoice_status = 'cancelled'"},
        'payment': {'fact': 'fct_payment', 'key': 'payment_key', 'number': 'payment_no', 'day': 'paid_on',
            'metric': 'received_amount', 'void': 'false'},
    }) }}
{%- endmacro %}

{# All of them as rows: entity, record_key, source_system, source_id, account_uid, document_no, day, metric, currency_code, amount, as_of_date. #}
{% macro money_documents_unioned() -%}
    {%- for entity, document in money_documents().items() %}
    select
        '{{ entity }}' as entity,
        {{ document.key }} as record_key,
        source_system,
        source_id,
        account_uid,
        {{ document.number }} as document_no,
        {{ document.day }} as day,
        '{{ document.metric }}' as metric,
        currency_code,
        amount,
        as_of_date
    from {{ ref(document.fact) }}
    where not ({{ document.void }})
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# Whether the var document_counts_once names the rule for the row's entity. #}
{% macro document_rule(rule) -%}
    entity in ('none'{% for entity in money_documents() if rule in var('document_counts_once')[entity] %}, '{{ entity }}'{% endfor %})
{%- endmacro %}

{# A number as both CRMs would write it: without regard to width, case, spaces and dividers; NULL if nothing is left. #}
{% macro document_number(expression) -%}
    nullif(translate({{ match_key(expression) }}, '-_/#.', ''), '')
{%- endmacro %}
