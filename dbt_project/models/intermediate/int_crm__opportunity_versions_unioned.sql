{{ config(**by_changed_opportunity()) }}

-- depends_on: {{ ref('int_crm__changed_opportunities') }}
{%- set references = ['account', 'product', 'owner'] %}
{%- set own = ['source_org', 'opportunity_id', 'modified_at', 'read_at', 'read_position', 'deleted_at'] %}

with unioned as (
    {%- for crm, ways in crm_ways().items() %}
    {% if ways | length == 1 -%}
    select
        known.*,
        read_at as existed_at
    from ({{ way_rows(crm, ways[0], 1, 'opportunity_versions', opportunity_columns()) }}) as known
    where {{ is_of_changed_opportunity('known') }}
    {%- else -%}
    {{ merged_versions(
        crm, ways, 'opportunity_versions', 'opportunities', 'opportunity_id', opportunity_columns(), references, own,
        only_changed=true
    ) }}
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'opportunity_id']) }} as opportunity_key,
    {{ business_date('coalesce(deleted_at, modified_at)') }} as valid_on,
    unioned.*
from unioned
