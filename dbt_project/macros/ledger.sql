{#
    Entities that not every source offers (var entity_sources): what follows a sale, and the work around it.

    Staging and unions of them are ephemeral: a view each would cost every build four seconds, and nobody reads them but
    the fact they become.
#}

{# stg_<source>__<entity> of every source that offers it, after source_system and source_way. No source of crm_sources
   may, so a select without rows gives the columns their types. #}
{% macro ledger_union(entity, columns) -%}
    select
        cast('' as {{ type_text() }}) as source_system,
        cast('' as {{ type_text() }}) as source_way,
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_' ~ var('entity_sources')[entity][0] ~ '__' ~ entity) }}
    where 1 = 0
    {%- for crm, ways in crm_ways(entity).items() %}
    {%- for way in ways %}
    union all
    select
        '{{ crm }}',
        '{{ way }}',
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_' ~ way ~ '__' ~ entity) }}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{#
    The records of `relation` (a CTE with source_system, source_org, source_record_status) with their key, the keys of
    what they refer to (the rows of int_crm__references that resolve it), and whether they count.

    references: prefix of <prefix>_id and <prefix>_name → entity; see ledger_references.
#}
{% macro ledger_records(relation, key, id, references) -%}
    select
        {{ surrogate_key(['records.source_system', 'records.source_org', 'records.' ~ id]) }} as {{ key }},
        {%- for prefix, entity in references.items() %}
        {{ surrogate_key([
            "'" ~ entity ~ "'", 'records.source_system', 'records.source_org', 'records.' ~ prefix ~ '_id',
            'records.' ~ prefix ~ '_name',
        ]) }} as {{ prefix }}_reference_key,
        {%- endfor %}
        records.*,
        coalesce(statuses.record_status, 'normal') as record_status,
        coalesce(statuses.is_counted, true) as is_counted
    from {{ relation }} as records
    left join {{ ref('record_status_map') }} as statuses
        on statuses.source = records.source_system
        and statuses.source_record_status = records.source_record_status
{%- endmacro %}

{# Which entity each reference of a ledger entity means. int_crm__references resolves them all, and a new one is added here. #}
{% macro ledger_references(entity=none) -%}
    {%- set all = {
        'quotes': {'account': 'account', 'opportunity': 'opportunity', 'owner': 'user'},
        'quote_lines': {'quote': 'quote', 'product': 'product'},
        'contracts': {
            'account': 'account', 'opportunity': 'opportunity', 'renewed': 'contract', 'owner': 'user',
        },
        'orders': {
            'account': 'account', 'opportunity': 'opportunity', 'quote': 'quote', 'contract': 'contract', 'owner': 'user',
        },
        'order_lines': {'order': 'order', 'product': 'product'},
        'invoices': {'account': 'account', 'order': 'order', 'opportunity': 'opportunity', 'owner': 'user'},
        'invoice_lines': {'invoice': 'invoice', 'product': 'product'},
        'payments': {'account': 'account', 'refunded': 'payment', 'owner': 'user'},
        'payment_lines': {
            'payment': 'payment', 'order': 'order', 'contract': 'contract', 'opportunity': 'opportunity',
            'payment_plan': 'payment_plan',
        },
        'payment_plans': {
            'account': 'account', 'order': 'order', 'contract': 'contract', 'opportunity': 'opportunity', 'owner': 'user',
        },
        'activities': {
            'account': 'account', 'opportunity': 'opportunity', 'contact': 'contact', 'owner': 'user',
        },
        'cases': {
            'account': 'account', 'contact': 'contact', 'opportunity': 'opportunity', 'product': 'product', 'owner': 'user',
        },
        'survey_responses': {
            'account': 'account', 'opportunity': 'opportunity', 'case': 'case', 'owner': 'user',
        },
        'campaigns': {'parent': 'campaign', 'owner': 'user'},
        'campaign_members': {
            'campaign': 'campaign', 'lead': 'lead', 'contact': 'contact', 'account': 'account', 'owner': 'user',
        },
        'competitors': {'owner': 'user'},
        'opportunity_competitors': {'opportunity': 'opportunity', 'competitor': 'competitor', 'owner': 'user'},
        'leads': {'account': 'account', 'contact': 'contact', 'opportunity': 'opportunity', 'owner': 'user'},
    } %}
    {{- return(all[entity] if entity else all) }}
{%- endmacro %}

{# Records that others refer to: entity → the model of them, its key, id, and what people call them by (not people). #}
{% macro ledger_referents() -%}
    {{ return({
        'opportunity': ['int_crm__opportunities_unioned', 'opportunity_key', 'opportunity_id', 'opportunity_name'],
        'contact': ['int_crm__contacts_unioned', 'contact_key', 'contact_id', 'contact_id'],
        'quote': ['int_crm__quotes', 'quote_key', 'quote_id', 'quote_no'],
        'contract': ['int_crm__contracts', 'contract_key', 'contract_id', 'contract_no'],
        'order': ['int_crm__orders', 'order_key', 'order_id', 'order_no'],
        'invoice': ['int_crm__invoices', 'invoice_key', 'invoice_id', 'invoice_no'],
        'payment': ['int_crm__payments', 'payment_key', 'payment_id', 'payment_no'],
        'payment_plan': ['int_crm__payment_plans', 'payment_plan_key', 'payment_plan_id', 'payment_plan_no'],
        'case': ['int_crm__cases', 'case_key', 'case_id', 'case_no'],
        'campaign': ['int_crm__campaigns', 'campaign_key', 'campaign_id', 'campaign_name'],
        'competitor': ['int_crm__competitors', 'competitor_key', 'competitor_id', 'competitor_name'],
        'lead': ['int_crm__leads', 'lead_key', 'lead_id', 'lead_id'],
    }) }}
{%- endmacro %}

{# The CRM that a row of an input means, and within it the organisation: the only one it has, else the input's own name. #}
{% macro input_rows(input, columns) -%}
    {%- set only = var('inputs_crm') if var('inputs_crm') in crm_ways() else (crm_ways().keys() | list)[0] %}
    select
        coalesce(rows_of_input.crm_source, '{{ only }}') as source_system,
        cast('inputs' as {{ type_text() }}) as source_way,
        coalesce(single_orgs.source_org, rows_of_input.source_org) as source_org,
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_inputs__' ~ input) }} as rows_of_input
    left join (
        select source_system, min(source_org) as source_org
        from {{ ref('int_crm__accounts_unioned') }}
        group by source_system
        having count(distinct source_org) = 1
    ) as single_orgs on single_orgs.source_system = coalesce(rows_of_input.crm_source, '{{ only }}')
{%- endmacro %}

{# First columns of a fact: where it came from, whose it is. Goes with ledger_lookups; `rows` is the alias of the records. #}
{% macro ledger_common(rows, id, account=true, owner=true) -%}
    cast({{ rows }}.source_system as {{ type_text() }}) as source_system,
    cast({{ rows }}.source_way as {{ type_text() }}) as source_way,
    cast({{ rows }}.source_org as {{ type_text() }}) as source_org,
    cast({{ rows }}.{{ id }} as {{ type_text() }}) as source_id,
    {%- if account %}
    cast(coalesce(account_refs.record_key, 'unassigned') as {{ type_text() }}) as account_key,
    cast(coalesce(account_members.account_uid, account_refs.record_key, 'unassigned') as {{ type_text() }}) as account_uid,
    {%- endif %}
    {%- if owner %}
    cast(coalesce(owner_refs.record_key, 'unassigned') as {{ type_text() }}) as owner_user_key,
    cast(coalesce(owner_members.user_uid, owner_refs.record_key, 'unassigned') as {{ type_text() }}) as owner_user_uid,
    {%- endif %}
{%- endmacro %}

{# What ledger_common and `reference` read: joins of the rows' references and, of dimensions, their unified ids. #}
{% macro ledger_lookups(rows, prefixes) -%}
    {%- for prefix in prefixes %}
    left join {{ ref('int_crm__references') }} as {{ prefix }}_refs
        on {{ prefix }}_refs.reference_key = {{ rows }}.{{ prefix }}_reference_key
    {%- if prefix in ['account', 'product', 'contact'] %}
    left join {{ ref('int_crm__' ~ prefix ~ '_members') }} as {{ prefix }}_members
        on {{ prefix }}_members.{{ prefix }}_key = {{ prefix }}_refs.record_key
    {%- elif prefix == 'owner' %}
    left join {{ ref('int_crm__user_members') }} as owner_members on owner_members.user_key = owner_refs.record_key
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# The key of the record that a row refers to; NULL if it names none, or one that nobody has. #}
{% macro referred(prefix) -%}
    cast(case when {{ prefix }}_refs.record_key <> 'unassigned' then {{ prefix }}_refs.record_key end as {{ type_text() }})
{%- endmacro %}

{# Columns of converted money; `rows` is a relation of fx_converted. #}
{% macro ledger_money(rows) -%}
    cast({{ rows }}.amount as decimal(18, 2)) as amount,
    cast({{ rows }}.money_currency as {{ type_text() }}) as currency_code,
    cast({{ rows }}.amount_reporting as decimal(18, 2)) as amount_reporting,
    cast({{ rows }}.fx_day as date) as fx_on,
    cast({{ rows }}.fx_rate as decimal(20, 12)) as fx_rate,
    cast({{ rows }}.fx_rate_key as {{ type_text() }}) as fx_rate_key,
    cast({{ rows }}.fx_rate_source as {{ type_text() }}) as fx_rate_source,
{%- endmacro %}

{# Last columns of a fact. #}
{% macro ledger_evidence(rows) -%}
    cast({{ rows }}.record_status as {{ type_text() }}) as record_status,
    cast({{ rows }}.created_at as {{ type_timestamp_tz() }}) as created_at,
    cast({{ rows }}.modified_at as {{ type_timestamp_tz() }}) as modified_at,
    cast(as_of.as_of_date as date) as as_of_date
{%- endmacro %}

{# Our word for a CRM's (seed code_map): a subselect to be joined on source_value = match_key(column). #}
{% macro coded(rows, column, kind, alias) -%}
    left join (
        select {{ match_key('source_value') }} as match_value, min(code) as code
        from {{ ref('code_map') }}
        where kind = '{{ kind }}'
        group by 1
    ) as {{ alias }} on {{ alias }}.match_value = {{ match_key(rows ~ '.' ~ column) }}
{%- endmacro %}

{# Body of int_crm__<header>_lines: the lines of quotes, orders or invoices. #}
{% macro ledger_lines(header) -%}
{%- set lines = header ~ '_lines' %}
with unioned as (
    {{ ledger_union(lines, [
        'source_org', header ~ '_line_id', header ~ '_id', header ~ '_name', 'product_id', 'product_name',
        'source_record_status', 'quantity', 'list_price', 'amount', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', header ~ '_line_key', header ~ '_line_id', ledger_references(lines)) }}
{%- endmacro %}

{#
    Body of fct_<header>_line. A line is of its header's currency, day and rate; lines of a header that does not count, or
    is gone, do not count.
#}
{% macro ledger_line_fact(header) -%}
with headers as (
    select * from {{ ref('fct_' ~ header) }}
),

lines as (
    select * from {{ ref('int_crm__' ~ header ~ '_lines') }}
    where is_counted
)

select
    -- keys
    cast(lines.{{ header }}_line_key as {{ type_text() }}) as {{ header }}_line_key,
    {{ ledger_common('lines', header ~ '_line_id', account=false, owner=false) }}
    cast(headers.{{ header }}_key as {{ type_text() }}) as {{ header }}_key,
    cast(headers.account_key as {{ type_text() }}) as account_key,
    cast(headers.account_uid as {{ type_text() }}) as account_uid,
    cast(headers.owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(headers.owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(coalesce(product_refs.record_key, 'unassigned') as {{ type_text() }}) as product_key,
    cast(coalesce(product_members.product_uid, 'unassigned') as {{ type_text() }}) as product_uid,

    -- how many and for how much
    cast(lines.quantity as decimal(18, 4)) as quantity,
    cast(lines.list_price as decimal(18, 2)) as list_price,
    cast(round(lines.quantity * lines.list_price, 2) as decimal(18, 2)) as list_amount,
    cast(lines.amount as decimal(18, 2)) as amount,
    cast(headers.currency_code as {{ type_text() }}) as currency_code,
    cast({{ fx_amount('lines.amount', 'headers.fx_rate') }} as decimal(18, 2)) as amount_reporting,
    cast({{ fx_amount('round(lines.quantity * lines.list_price, 2)', 'headers.fx_rate') }} as decimal(18, 2))
        as list_amount_reporting,
    cast(headers.fx_on as date) as fx_on,
    cast(headers.fx_rate as decimal(20, 12)) as fx_rate,
    cast(headers.fx_rate_key as {{ type_text() }}) as fx_rate_key,

    -- how we know
    cast(lines.created_at as {{ type_timestamp_tz() }}) as created_at,
    cast(lines.modified_at as {{ type_timestamp_tz() }}) as modified_at,
    cast(headers.as_of_date as date) as as_of_date
from lines
{{ ledger_lookups('lines', [header, 'product']) }}
inner join headers on headers.{{ header }}_key = {{ header }}_refs.record_key
{%- endmacro %}
