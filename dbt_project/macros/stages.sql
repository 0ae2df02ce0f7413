{#
    The canonical stage of a record from two rows of the stage map: the one of its stage and the one of its
    sales status. A terminal word wins, wherever it stands: some Fxiaoke processes leave the stage where the
    deal was lost and move only 销售状态.
#}
{% macro canonical_stage(by_stage, by_status) -%}
    case
        when {{ by_stage }}.status <> 'open' then {{ by_stage }}.stage
        else coalesce({{ by_status }}.stage, {{ by_stage }}.stage, 'unmapped')
    end
{%- endmacro %}

{# The stage map with its spelling normalised: one row per source and name. #}
{% macro stage_map() -%}
    select
        stage_map.source as source_system,
        {{ match_key('stage_map.source_stage') }} as stage_match_key,
        stage_map.stage,
        stages.status,
        stage_map.reason
    from {{ ref('stage_map') }} as stage_map
    inner join {{ ref('stages') }} as stages on stages.stage = stage_map.stage
{%- endmacro %}
