with unioned as (
    {%- for crm, ways in crm_ways().items() %}
    {% if ways | length == 1 -%}
    select
        known.*,
        read_at as existed_at
    from ({{ way_rows(crm, ways[0], 1, 'opportunity_versions', opportunity_columns()) }}) as known
    {%- else -%}
    select
        source_system,
        source_way,
        way_rank,
        {{ opportunity_columns() | join(',\n        ') }},
        -- A file may be read long after it was made: beside the API it speaks for the record's last change only.
        case when way_rank > 1 and is_known_by_api = 1 then modified_at else read_at end as existed_at
    from (
        select
            keyed.*,
            max(case when way_rank = 1 then 1 else 0 end) over (
                partition by source_org, opportunity_id
            ) as is_known_by_api
        from (
            {{ keyed_rows(
                crm, ways, 'opportunity_versions', 'opportunity_id', opportunity_columns(), keys_of='opportunities'
            ) }}
        ) as keyed
    ) as known
    -- and a full list that lacks a record is no word against the API's
    where not (way_rank > 1 and is_known_by_api = 1 and deleted_at is not null)
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
