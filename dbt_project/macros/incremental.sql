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

{#
    A new name of what a record refers to, or the newer file of an unchanged row, changes current rows in place and makes
    no version; which rows is not told, so it may be any of the organisation. Rows of org, load_order.
#}
{% macro changed_in_place(source_name, stream) -%}
    select org, max(load_order) as load_order
    from {{ source('ops', 'packages') }}
    where source = '{{ source_name }}' and restamped > 0 and stream = '{{ stream }}'
    group by org
{%- endmacro %}

{# Which opportunities a package changed, as the stream of their records tells: rows of source_org, opportunity_id, load_order. #}
{% macro opportunity_changes(source_name, stream) -%}
with packages as (
    select * from {{ source('ops', 'packages') }}
    where source = '{{ source_name }}'
),

deletions as (
    select * from {{ source('ops', 'deletions') }}
    where source = '{{ source_name }}' and stream = '{{ stream }}'
),

current_rows as (
    select * from {{ source(source_name, stream) }}
),

versions as (
    select * from {{ source(source_name, stream ~ '__history') }}
),

in_place as (
    {{ changed_in_place(source_name, stream) }}
)

select
    versions._org as source_org,
    versions._record_id as opportunity_id,
    packages.load_order
from versions
inner join packages on packages.package_id = versions._package_id

union all

select current_rows._org, current_rows._record_id, in_place.load_order
from current_rows
inner join in_place on in_place.org = current_rows._org

union all

-- also of records that were never read here
select deletions.org, deletions.record_id, packages.load_order
from deletions
inner join packages on packages.package_id = deletions.package_id
{%- endmacro %}
