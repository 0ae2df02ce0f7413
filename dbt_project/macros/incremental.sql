{#
    Tables that are built anew for changed opportunities only.

    int_crm__changed_opportunities says which these are: since the last build that was complete, by the load order of
    packages, never by a clock. A table forgets them before it is given their new rows, so that what has vanished
    vanishes, and a build that died half-way does no harm. A change of the code or of a rule builds whole.
#}

{#
    When dbt starts: whoever builds by hand may say another day or other variables, and leaves tables that the pipeline
    did not plan. What it remembers of them is forgotten; its next build is whole. The pipeline says CRM_WAREHOUSE_PLANNED.
#}
{% macro forget_what_was_built() -%}
    {%- if execute and flags.WHICH in ('build', 'run') and env_var('CRM_WAREHOUSE_PLANNED', '') != '1' -%}
    {%- do run_query('delete from ops.model_builds') %}
    {%- do run_query('delete from ops.built_nodes') %}
    {%- endif -%}
{%- endmacro %}

{# Config of such a table; its rows have an opportunity_key. #}
{% macro by_changed_opportunity() -%}
    {{ return({
        'materialized': 'incremental',
        'incremental_strategy': 'append',
        'on_schema_change': 'fail',
        'pre_hook': '{{ forget_changed_opportunities() }}',
    }) }}
{%- endmacro %}

{% macro forget_changed_opportunities() -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where opportunity_key in (select opportunity_key from {{ ref('int_crm__changed_opportunities') }})
    {%- endif -%}
{%- endmacro %}

{# As a condition: whether the row at `relation` is of a changed opportunity; true where all are built. #}
{% macro is_of_changed_opportunity(relation, by_key=false) -%}
    {%- if not is_incremental() -%}
    true
    {%- elif by_key -%}
    {{ relation }}.opportunity_key in (select opportunity_key from {{ ref('int_crm__changed_opportunities') }})
    {%- else -%}
    exists (
        select 1 from {{ ref('int_crm__changed_opportunities') }} as changed
        where changed.source_system = {{ relation }}.source_system
            and changed.source_org = {{ relation }}.source_org
            and changed.opportunity_id = {{ relation }}.opportunity_id
    )
    {%- endif -%}
{%- endmacro %}
