{% if not var('as_of_date') -%}

select
    current_rows.*,
    'current' as state_evidence
from {{ ref('int_crm__opportunities_unioned') }} as current_rows

{%- else -%}

with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

versions as (
    select * from {{ ref('int_crm__opportunity_versions_unioned') }}
),

-- Content is ordered by the source's stamp, existence by when we looked.
known as (
    select
        versions.*,
        row_number() over (
            partition by opportunity_key
            order by modified_at desc nulls last, way_rank, read_at desc, read_position desc
        ) as content_rank,
        first_value(case when deleted_at is null then 1 else 0 end) over (
            partition by opportunity_key order by existed_at desc, way_rank, read_position desc
        ) as is_existing
    from versions
    cross join as_of
    where valid_on <= as_of.as_of_date
),

-- Our first look came later, but the record says it was created by then.
seen_later as (
    select
        versions.*,
        row_number() over (
            partition by versions.opportunity_key
            order by versions.modified_at, versions.way_rank, versions.read_at, versions.read_position
        ) as version_rank
    from versions
    left join known on known.opportunity_key = versions.opportunity_key
    where known.opportunity_key is null and versions.deleted_at is null
)

select
    opportunity_key,
    source_system,
    source_way,
    {{ opportunity_columns() | join(',\n    ') }},
    'version' as state_evidence
from known
where content_rank = 1 and is_existing = 1

union all

select
    opportunity_key,
    source_system,
    source_way,
    {{ opportunity_columns() | join(',\n    ') }},
    'rewound' as state_evidence
from seen_later
cross join as_of
where version_rank = 1 and {{ business_date('created_at') }} <= as_of.as_of_date

{%- endif %}
