{#
    From the sources' staging models to one row per record of a CRM.

    A CRM may be read in several ways (vars crm_sources and other_ways: Fxiaoke by its API and by export files).
    What they bring is the same records: matched by id, then by int_crm__key_map. The newest stamp wins, the CRM's own
    API on ties; what a file leaves open is the API's, or else another file's.
#}

{# CRM → its ways in, its own API first; of an entity that not every source offers, those that do. #}
{% macro crm_ways(entity=none) -%}
    {%- set ways = {} %}
    {%- set offered = var('entity_sources').get(entity, var('crm_sources')) %}
    {%- for source in var('crm_sources') if source in offered and source not in var('other_ways') %}
        {%- do ways.update({source: [source]}) %}
    {%- endfor %}
    {%- for source in var('crm_sources') if source in offered and source in var('other_ways') %}
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
    {%- set own = ['source_org', id] %}
    select
        cast('{{ crm }}' as {{ type_text() }}) as source_system,
        told.source_way,
        {%- for column in columns %}
        {% if column in own or column == 'modified_at' -%}
        told.{{ column }}
        {%- elif column in paired -%}
        {{ told_reference(column) }} as {{ column }}
        {%- else -%}
        -- an API's row leaves nothing open: only files are completed
        case when told.way_rank > 1 then coalesce(told.{{ column }}, told.spare_{{ column }}) else told.{{ column }} end
            as {{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        -- of each record its newest row, and beside it the API's, or else the next
        select
            {{ own | join(', ') }},
            max(case when newness = 1 then source_way end) as source_way,
            max(case when newness = 1 then way_rank end) as way_rank
            {%- for column in columns if column not in own %},
            max(case when newness = 1 then {{ column }} end) as {{ column }},
            max(case when spareness = 1 then {{ column }} end) as spare_{{ column }}
            {%- endfor %}
        from (
            select
                ranked.*,
                case
                    when newness > 1 then row_number() over (
                        partition by {{ own | join(', ') }}
                        order by case when newness = 1 then 2 when way_rank = 1 then 0 else 1 end, newness
                    )
                end as spareness
            from (
                select
                    keyed.*,
                    row_number() over (
                        partition by {{ own | join(', ') }} order by modified_at desc nulls last, way_rank, known_id
                    ) as newness
                from ({{ keyed_rows(crm, ways, entity, id, columns) }}) as keyed
            ) as ranked
        ) as placed
        group by {{ own | join(', ') }}
    ) as told
    left join {{ ref('stg_' ~ ways[0] ~ '__deletions') }} as deletions
        on told.way_rank > 1
        and deletions.entity = '{{ entity }}'
        and deletions.source_org = told.source_org
        and deletions.record_id = told.{{ id }}
    -- gone, unless a file shows a change after the API was asked
    where deletions.record_id is null or told.modified_at > deletions.said_at
{%- endmacro %}

{#
    Every version of every record of a CRM with several ways, those of files completed as `merged_rows` completes rows:
    from the last version before of the API, or else of a file that knows the record by another key. A file's version that tells a change the API told too is left out: the API knows
    its moment better. existed_at: for when it says that the record exists; a file may be read long after it was made,
    so beside the API it speaks for the record's last change only. A full list that lacks a record is no word against
    the API's.
#}
{% macro merged_versions(crm, ways, entity, keys_of, id, columns, references, own) -%}
    {%- set key = 'source_org, ' ~ id %}
    {%- set paired = [] %}
    {%- for reference in references %}{% do paired.extend([reference ~ '_id', reference ~ '_name']) %}{% endfor %}
    select
        told.source_system,
        told.source_way,
        told.way_rank,
        {%- for column in columns %}
        {% if column in own -%}
        told.{{ column }}
        {%- elif column in paired -%}
        {{ told_reference(column) }} as {{ column }}
        {%- else -%}
        case when told.way_rank > 1 then coalesce(told.{{ column }}, told.spare_{{ column }}) else told.{{ column }} end
            as {{ column }}
        {%- endif %},
        {%- endfor %}
        case when told.way_rank > 1 and told.is_known_by_api = 1 then told.modified_at else told.read_at end as existed_at
    from (
        with numbered as (
            select
                keyed.*,
                row_number() over (
                    partition by {{ key }} order by modified_at, way_rank desc, read_at, read_position
                ) as version_number
            from (
                {{ keyed_rows(crm, ways, entity, id, columns, keys_of=keys_of) }}
                union all
                -- what was void before the API was first asked has this word only
                {%- set said = {
                    'source_org': 'source_org', id: 'record_id', 'modified_at': 'deleted_at', 'read_at': 'said_at',
                    'read_position': '0', 'deleted_at': 'deleted_at',
                } %}
                select
                    '{{ crm }}',
                    '{{ ways[0] }}',
                    1,
                    record_id,
                    {%- for column in columns %}
                    {{ said.get(column, 'null') }}{{ ',' if not loop.last }}
                    {%- endfor %}
                from {{ ref('stg_' ~ ways[0] ~ '__deletions') }}
                where entity = '{{ keys_of }}' and not is_read
            ) as keyed
        ),

        placed as (
            select
                numbered.*,
                max(case when way_rank = 1 then 1 else 0 end) over (partition by {{ key }}) as is_known_by_api,
                -- the last version before by the API, and by files that know the record by another key
                {%- for name, which in {
                    'api_number': 'way_rank = 1',
                    'number_by_id': 'known_id = ' ~ id,
                    'number_by_other': 'known_id <> ' ~ id,
                }.items() %}
                max(case when {{ which }} then version_number end) over (
                    partition by {{ key }} order by version_number rows between unbounded preceding and current row
                ) as {{ name }},
                {%- endfor %}
                min(case when way_rank = 1 then modified_at end) over (
                    partition by {{ key }} order by version_number rows between current row and unbounded following
                ) as next_by_api_at
            from numbered
        )

        select
            placed.*
            {%- for column in columns if column not in own %},
            spare.{{ column }} as spare_{{ column }}
            {%- endfor %}
        from placed
        left join placed as spare
            on placed.way_rank > 1
            and spare.deleted_at is null
            and spare.source_org = placed.source_org
            and spare.{{ id }} = placed.{{ id }}
            and spare.version_number = coalesce(
                placed.api_number,
                case when placed.known_id = placed.{{ id }} then placed.number_by_other else placed.number_by_id end
            )
    ) as told
    where told.way_rank = 1
        or told.is_known_by_api = 0
        or (told.deleted_at is null and not coalesce({{ same_moment('told.next_by_api_at', 'told.modified_at') }}, false))
{%- endmacro %}

{# Id and name of a reference belong together: the other row's id counts only for the name that the file says too. #}
{% macro told_reference(column) -%}
    {%- set entity = column.rsplit('_', 1)[0] %}
    {%- set told_id, told_name = 'told.' ~ entity ~ '_id', 'told.' ~ entity ~ '_name' %}
    {%- set spare_id, spare_name = 'told.spare_' ~ entity ~ '_id', 'told.spare_' ~ entity ~ '_name' %}
    {%- if column.endswith('_id') -%}
    case
        when {{ told_id }} is not null or told.way_rank = 1 then {{ told_id }}
        when {{ told_name }} is null or {{ match_key(told_name) }} = {{ match_key(spare_name) }} then {{ spare_id }}
    end
    {%- else -%}
    case
        when {{ told_name }} is not null or told.way_rank = 1 then {{ told_name }}
        when {{ told_id }} is null or {{ told_id }} = {{ spare_id }} then {{ spare_name }}
    end
    {%- endif %}
{%- endmacro %}

{# What an opportunity looks like to everybody after staging; current rows and versions share it. #}
{% macro opportunity_columns() -%}
    {{ return([
        'source_org', 'opportunity_id', 'opportunity_name',
        'account_id', 'account_name', 'product_id', 'product_name', 'owner_id', 'owner_name',
        'pipeline', 'source_stage', 'source_status', 'source_record_status', 'lost_reason', 'lead_source',
        'amount', 'currency_code', 'exchange_rate', 'expected_close_date', 'actual_close_date', 'stage_changed_at',
        'created_at', 'modified_at', 'read_at', 'read_position', 'deleted_at',
    ]) }}
{%- endmacro %}

{# The row of int_crm__references that resolves a lookup of a source row. #}
{% macro reference_key(entity, id, name) -%}
    {{ surrogate_key(["'" ~ entity ~ "'", 'source_system', 'source_org', id, name]) }}
{%- endmacro %}
