{#
    The canonical stage of every pair of stage and sales status that occurs in `relation`: one row per
    source_system, source_stage and source_status ('' for none), with stage and the reason that the name states.

    A terminal word wins, wherever it stands: some Fxiaoke processes leave the stage where the deal was lost and
    move only 销售状态. Spellings are mapped once each and joined back, because normalising is dear.
#}
{% macro mapped_stages(relation) -%}
    select
        spellings.source_system,
        coalesce(spellings.source_stage, '') as source_stage,
        coalesce(spellings.source_status, '') as source_status,
        case
            when by_stage.status <> 'open' then by_stage.stage
            else coalesce(by_status.stage, by_stage.stage, 'unmapped')
        end as stage,
        by_stage.reason
    from (select distinct source_system, source_stage, source_status from {{ relation }}) as spellings
    left join ({{ stage_map() }}) as by_stage
        on by_stage.source_system = spellings.source_system
        and by_stage.stage_match_key = {{ match_key('spellings.source_stage') }}
    left join ({{ stage_map() }}) as by_status
        on by_status.source_system = spellings.source_system
        and by_status.stage_match_key = {{ match_key('spellings.source_status') }}
{%- endmacro %}

{# Joins a row of `relation` to its row of mapped_stages. #}
{% macro same_stage_spelling(mapped, relation) -%}
    {{ mapped }}.source_system = {{ relation }}.source_system
        and {{ mapped }}.source_stage = coalesce({{ relation }}.source_stage, '')
        and {{ mapped }}.source_status = coalesce({{ relation }}.source_status, '')
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

{#
    How good the evidence for a stage is. event: the vendor logs every change, so no visit is missing and each moment is
    its own (Zoho DealHistory). row: the record tells when its present stage began (Fxiaoke 阶段变更时间); the moment is
    exact, but what came and went between two looks is missing. diff: two looks differ, and the change lies between.
#}
{% macro evidence_grade(evidence) -%}
    case {{ evidence }} when 'vendor_row' then 'event' when 'vendor_stamp' then 'row' else 'diff' end
{%- endmacro %}
