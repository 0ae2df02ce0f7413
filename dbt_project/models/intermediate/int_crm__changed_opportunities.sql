{{ config(materialized='table') }}

with built as (
    select
        -- nothing is known of a past day, nor of a day before the one that was built: then everything has changed
        case
            when {{ 'true' if var('as_of_date') else 'false' }} or max(as_of.as_of_date) < max(model_builds.as_of_date) then -1
            else coalesce(max(model_builds.load_order), -1)
        end as load_order,
        max(model_builds.as_of_date) as from_date,
        max(as_of.as_of_date) as to_date
    from {{ ref('int_crm__as_of') }} as as_of
    left join {{ source('ops', 'model_builds') }} as model_builds on true
),

changes as (
    {{ union_sources('opportunity_changes', ['source_org', 'opportunity_id', 'load_order']) }}
),

loaded as (
    select changes.*
    from changes
    cross join built
    where changes.load_order > built.load_order
),

-- What closes on a day has closed when that day has come.
due as (
    select opportunities.*
    from (
        {{ union_sources('opportunities', [
            'source_org', 'opportunity_id', 'expected_close_date', 'actual_close_date',
        ]) }}
    ) as opportunities
    cross join built
    where (expected_close_date > built.from_date and expected_close_date <= built.to_date)
        or (actual_close_date > built.from_date and actual_close_date <= built.to_date)
),

touched as (
    select source_system, source_org, opportunity_id from loaded
    union
    select source_system, source_org, opportunity_id from due
    {%- for crm, ways in crm_ways().items() if ways | length > 1 %}
    -- Which record a row of a file is may change with any other row, so where there are files a change is one of all.
    union
    select everything.source_system, everything.source_org, everything.opportunity_id
    from (
        select source_system, source_org, opportunity_id
        from ({{ keyed_rows(crm, ways, 'opportunity_versions', 'opportunity_id', ['source_org', 'opportunity_id'],
            keys_of='opportunities') }}) as keyed
        {%- for way in ways[1:] %}
        union
        select source_system, source_org, opportunity_id
        from ({{ way_rows(crm, way, loop.index, 'opportunity_versions', ['source_org', 'opportunity_id']) }}) as named_by_file
        {%- endfor %}
    ) as everything
    where exists (
            {%- for way in ways[1:] %}
            select 1 from {{ ref('stg_' ~ way ~ '__opportunity_versions') }}
            {{- ' union all' if not loop.last }}
            {%- endfor %}
        )
        and (
            exists (select 1 from loaded where loaded.source_system = '{{ crm }}')
            or exists (select 1 from due where due.source_system = '{{ crm }}')
        )
    {%- endfor %}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'opportunity_id']) }} as opportunity_key,
    touched.*
from touched
where opportunity_id is not null
