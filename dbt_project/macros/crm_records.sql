{#
    From the sources' staging models to one row per record of a CRM.

    A CRM may be read in several ways (vars crm_sources and other_ways: Fxiaoke by its API and by export files).
    What they bring is the same records: matched by id, then by int_crm__key_map. The newest stamp wins, the CRM's own
    API on ties; a file that lacks a column leaves what the API says of it.
#}

{# CRM → its ways in, its own API first. #}
{% macro crm_ways() -%}
    {%- set ways = {} %}
    {%- for source in var('crm_sources') if source not in var('other_ways') %}
        {%- do ways.update({source: [source]}) %}
    {%- endfor %}
    {%- for source in var('crm_sources') if source in var('other_ways') %}
        {%- do ways.setdefault(var('other_ways')[source], []).append(source) %}
    {%- endfor %}
    {{- return(ways) }}
{%- endmacro %}

{# The same columns of stg_<source>__<entity> of every source as they are, after its CRM, the source and its rank. #}
{% macro union_sources(entity, columns) -%}
    {%- for crm, ways in crm_ways().items() %}
    {%- set crm_loop = loop %}
    {%- for way in ways %}
    {{ way_rows(crm, way, loop.index, entity, columns) }}
    {%- if not (loop.last and crm_loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{% macro way_rows(crm, way, rank, entity, columns) -%}
    select
        cast('{{ crm }}' as {{ type_text() }}) as source_system,
        cast('{{ way }}' as {{ type_text() }}) as source_way,
        cast({{ rank }} as integer) as way_rank,
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_' ~ way ~ '__' ~ entity) }}
{%- endmacro %}

{# Rows of a CRM with several ways, each under the id of the record that it is; those set aside left out.
   keys_of: the entity whose keys they have, where it is another (versions of opportunities). #}
{% macro keyed_rows(crm, ways, entity, id, columns, keys_of=none) -%}
    select
        known.source_system,
        known.source_way,
        known.way_rank,
        known.{{ id }} as known_id,
        {%- for column in columns %}
        {% if column == id -%}
        coalesce(key_map.record_id, known.{{ id }}) as {{ id }}
        {%- else -%}
        known.{{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {%- for way in ways %}
        {{ way_rows(crm, way, loop.index, entity, columns) }}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as known
    left join {{ ref('int_crm__key_map') }} as key_map
        on key_map.entity = '{{ keys_of or entity }}'
        and key_map.source_way = known.source_way
        and key_map.source_org = known.source_org
        and key_map.weak_id = known.{{ id }}
    where coalesce(key_map.decision, '') <> 'set_aside'
{%- endmacro %}

{#
    One row per record of every CRM.

    id: the column that identifies a record. references: entities that it refers to, as <entity>_id and
    <entity>_name. Columns: source_system, source_way (whose row it is), then `columns`.
#}
{% macro crm_records(entity, id, columns, references=[]) -%}
    {%- for crm, ways in crm_ways().items() %}
    {% if ways | length == 1 -%}
    select
        source_system,
        source_way,
        {{ columns | join(',\n        ') }}
    from ({{ way_rows(crm, ways[0], 1, entity, columns) }}) as known
    {%- else -%}
    {{ merged_rows(crm, ways, entity, id, columns, references) }}
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{% macro merged_rows(crm, ways, entity, id, columns, references) -%}
    {%- set paired = [] %}
    {%- for reference in references %}{% do paired.extend([reference ~ '_id', reference ~ '_name']) %}{% endfor %}
    select
        newest.source_system,
        newest.source_way,
        {%- for column in columns %}
        {% if column in ['source_org', id, 'modified_at'] -%}
        newest.{{ column }}
        {%- elif column in paired -%}
        {{ told_reference(column) }} as {{ column }}
        {%- else -%}
        coalesce(newest.{{ column }}, by_api.{{ column }}) as {{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            keyed.*,
            row_number() over (
                partition by source_org, {{ id }} order by modified_at desc nulls last, way_rank, known_id
            ) as newness
        from ({{ keyed_rows(crm, ways, entity, id, columns) }}) as keyed
    ) as newest
    left join (
        -- an API's row leaves nothing open: only files are completed by it
        {{ way_rows(crm, ways[0], 1, entity, columns) }}
    ) as by_api
        on newest.way_rank > 1
        and by_api.source_org = newest.source_org
        and by_api.{{ id }} = newest.{{ id }}
    left join {{ ref('stg_' ~ ways[0] ~ '__deletions') }} as deletions
        on newest.way_rank > 1
        and deletions.entity = '{{ entity }}'
        and deletions.source_org = newest.source_org
        and deletions.record_id = newest.{{ id }}
    -- gone, unless a file shows a later change
    where newest.newness = 1
        and (deletions.record_id is null or newest.modified_at > deletions.deleted_at)
{%- endmacro %}

{# Id and name of a reference belong together: the API's id counts only for the name that the file says too. #}
{% macro told_reference(column) -%}
    {%- set entity = column.rsplit('_', 1)[0] %}
    {%- set told_id, told_name = 'newest.' ~ entity ~ '_id', 'newest.' ~ entity ~ '_name' %}
    {%- set api_id, api_name = 'by_api.' ~ entity ~ '_id', 'by_api.' ~ entity ~ '_name' %}
    {%- if column.endswith('_id') -%}
    case
        when {{ told_id }} is not null then {{ told_id }}
        when {{ told_name }} is null or {{ match_key(told_name) }} = {{ match_key(api_name) }} then {{ api_id }}
    end
    {%- else -%}
    case
        when {{ told_name }} is not null then {{ told_name }}
        when {{ told_id }} is null or {{ told_id }} = {{ api_id }} then {{ api_name }}
    end
    {%- endif %}
{%- endmacro %}

{# What an opportunity looks like to everybody after staging; current rows and versions share it. #}
{% macro opportunity_columns() -%}
    {{ return([
        'source_org', 'opportunity_id', 'opportunity_name',
        'account_id', 'account_name', 'product_id', 'product_name', 'owner_id', 'owner_name',
        'pipeline', 'source_stage', 'source_status', 'source_record_status', 'lost_reason', 'lead_source',
        'amount', 'currency_code', 'expected_close_date', 'actual_close_date', 'stage_changed_at',
        'created_at', 'modified_at', 'read_at', 'read_position', 'deleted_at',
    ]) }}
{%- endmacro %}

{# The row of int_crm__references that resolves a lookup of a source row. #}
{% macro reference_key(entity, id, name) -%}
    {{ surrogate_key(["'" ~ entity ~ "'", 'source_system', 'source_org', id, name]) }}
{%- endmacro %}
