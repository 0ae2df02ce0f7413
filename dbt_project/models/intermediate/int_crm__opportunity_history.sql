{{ config(**by_changed_opportunity()) }}
{#- What of a version makes a new row when it changes; its stage does too. -#}
{%- set tracked = [
    'amount', 'currency_code', 'expected_close_date', 'pipeline', 'owner_id', 'owner_name', 'account_id', 'account_name',
    'product_id', 'product_name', 'is_present',
] -%}
{#- What a row takes from its version. -#}
{%- set carried = [
    'source_system', 'source_way', 'source_org', 'opportunity_id', 'account_id', 'account_name', 'product_id',
    'product_name', 'owner_id', 'owner_name', 'pipeline', 'amount', 'currency_code', 'expected_close_date', 'created_at',
] -%}

-- depends_on: {{ ref('int_crm__changed_opportunities') }}
with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

stages as (
    select * from {{ ref('stages') }}
),

-- The vendor's own log of stages; what is derived from versions is in the versions.
logged_visits as (
    select * from {{ ref('int_crm__stage_visits') }} as visits
    where evidence = 'vendor_row' and {{ is_of_changed_opportunity('visits', by_key=true) }}
),

known_versions as (
    select
        opportunity_key,
        {{ carried | join(', ') }},
        source_stage,
        source_status,
        source_record_status,
        actual_close_date,
        way_rank,
        read_at,
        read_position,
        loaded_at,
        existed_at,
        deleted_at,
        -- nothing is gone before it last changed
        case when deleted_at is null then modified_at else greatest(deleted_at, modified_at) end as valid_from
    from {{ ref('int_crm__opportunity_versions_unioned') }} as versions
    cross join as_of
    where {{ is_of_changed_opportunity('versions', by_key=true) }}
        {%- if var('as_of_date') %}
        and valid_on <= as_of.as_of_date
        {%- endif %}
),

mapped_stages as (
    {{ mapped_stages('known_versions') }}
),

staged_versions as (
    select
        known_versions.*,
        mapped_stages.stage,
        stages.status,
        known_versions.deleted_at is null and coalesce(record_status_map.is_counted, true) as is_present
    from known_versions
    inner join mapped_stages on {{ same_stage_spelling('mapped_stages', 'known_versions') }}
    inner join stages on stages.stage = mapped_stages.stage
    left join {{ ref('record_status_map') }} as record_status_map
        on record_status_map.source = known_versions.source_system
        and record_status_map.source_record_status = known_versions.source_record_status
),

-- A later look that finds the record again takes a deletion back: for who knows of that look there was none.
deletions_taken_back as (
    select
        gone.opportunity_key,
        gone.valid_from,
        gone.existed_at,
        min(found.loaded_at) as known_to
    from known_versions as gone
    inner join known_versions as found
        on found.opportunity_key = gone.opportunity_key
        and found.existed_at > gone.existed_at
        and found.valid_from <= gone.valid_from
    where gone.deleted_at is not null and found.deleted_at is null
    group by gone.opportunity_key, gone.valid_from, gone.existed_at
),

-- A version that was read before a deletion and came in after it (released from quarantine) raises nothing.
buried as (
    select distinct
        late.opportunity_key,
        late.valid_from,
        late.existed_at,
        true as is_buried
    from known_versions as late
    inner join known_versions as gone
        on gone.opportunity_key = late.opportunity_key
        and gone.existed_at > late.existed_at
        and gone.valid_from <= late.valid_from
        and gone.loaded_at <= late.loaded_at
    left join deletions_taken_back as taken_back
        on taken_back.opportunity_key = gone.opportunity_key
        and taken_back.valid_from = gone.valid_from
        and taken_back.existed_at = gone.existed_at
    where gone.deleted_at is not null and late.deleted_at is null and taken_back.opportunity_key is null
),

numbered_versions as (
    select
        staged_versions.*,
        {{ surrogate_key(tracked) }} as version_content,
        row_number() over (
            partition by opportunity_key order by valid_from, way_rank desc, read_at, read_position
        ) as version_number,
        lag(valid_from) over (
            partition by opportunity_key order by valid_from, way_rank desc, read_at, read_position
        ) as seen_before_at,
        min(case when deleted_at is null then valid_from end) over (
            partition by opportunity_key order by loaded_at, valid_from
            rows between unbounded preceding and 1 preceding
        ) as earliest_known_before
    from staged_versions
    left join buried using (opportunity_key, valid_from, existed_at)
    where buried.is_buried is null
),

-- The version that told of the past before our first look. A version that comes in late and is older takes over.
first_versions as (
    select
        numbered_versions.*,
        coalesce(actual_close_date, expected_close_date) as closing_date,
        lead(loaded_at) over (partition by opportunity_key order by loaded_at, valid_from desc) as known_to
    from numbered_versions
    where deleted_at is null and (earliest_known_before is null or valid_from < earliest_known_before)
),

recorded as (
    select distinct opportunity_key from logged_visits
),

-- Events of the log between the versions; at a version's own moment the version says it all.
placed_visits as (
    select
        opportunity_key,
        valid_from,
        visit_stage,
        visit_source_stage,
        visit_status,
        visit_evidence,
        greatest(version_count, 1) as version_number,
        next_known_at,
        max(is_version) over (partition by opportunity_key, valid_from) as has_version
    from (
        select
            events.*,
            sum(is_version) over (
                partition by opportunity_key order by valid_from, is_version desc
                rows between unbounded preceding and current row
            ) as version_count,
            min(loaded_at) over (
                partition by opportunity_key order by valid_from, is_version desc
                rows between current row and unbounded following
            ) as next_known_at
        from (
            select
                opportunity_key, valid_from, loaded_at, 1 as is_version, null as visit_stage,
                null as visit_source_stage, null as visit_status, null as visit_evidence
            from numbered_versions
            where opportunity_key in (select opportunity_key from recorded)
            union all
            select opportunity_key, entered_at, null, 0, stage, source_stage, status, evidence
            from logged_visits
        ) as events
    ) as counted
),

-- Few and narrow columns: windows carry what they are given.
rows_of_history as (
    select
        opportunity_key,
        version_number,
        version_content,
        stage,
        source_stage,
        status,
        valid_from,
        loaded_at as known_from,
        taken_back.known_to,
        3 as kind,
        case when valid_from = created_at then 'row' else 'diff' end as evidence_grade,
        {{ seconds_between(
            'case when valid_from = created_at then valid_from else coalesce(seen_before_at, created_at) end', 'valid_from'
        ) }} as uncertainty_s
    from numbered_versions
    left join deletions_taken_back as taken_back
        using (opportunity_key, valid_from, existed_at)

    union all

    select
        content.opportunity_key,
        content.version_number,
        content.version_content,
        placed_visits.visit_stage,
        placed_visits.visit_source_stage,
        placed_visits.visit_status,
        placed_visits.valid_from,
        -- whoever logs a stage stamps the record: it was known with the next version
        coalesce(placed_visits.next_known_at, content.loaded_at),
        null,
        2,
        'event',
        0
    from placed_visits
    inner join numbered_versions as content
        on content.opportunity_key = placed_visits.opportunity_key
        and content.version_number = placed_visits.version_number
    where placed_visits.has_version = 0

    union all

    -- before our first look the record existed, in a stage that nobody knows
    select
        opportunity_key,
        version_number,
        version_content,
        'unknown',
        null,
        'open',
        created_at,
        loaded_at,
        known_to,
        0,
        'rewound',
        null
    from first_versions
    where created_at < valid_from

    union all

    -- or was closed already, by the day that it names
    select
        opportunity_key,
        version_number,
        version_content,
        stage,
        source_stage,
        status,
        greatest(created_at, {{ business_midnight('closing_date') }}),
        loaded_at,
        known_to,
        1,
        'rewound',
        null
    from first_versions
    where status <> 'open'
        and created_at < valid_from
        and {{ business_midnight('closing_date') }} < valid_from
        and opportunity_key not in (select opportunity_key from recorded)
),

described as (
    select
        rows_of_history.*,
        {{ surrogate_key(['stage', 'source_stage', 'status', 'version_content']) }} as content
    from rows_of_history
),

compared as (
    select
        described.*,
        lag(content) over (in_order) as content_before,
        lag(known_from) over (in_order) as known_before,
        lag(known_to) over (in_order) as known_to_before,
        -- another row of the same moment that whoever knows this one knows too
        coalesce(
            lead(content) over (in_order) <> content
            and lead(valid_from) over (in_order) = valid_from
            and lead(known_from) over (in_order) <= known_from
            and lead(known_to) over (in_order) is null,
            false
        ) as is_covered
    from described
    window in_order as (partition by opportunity_key order by valid_from, kind, version_number)
),

-- A row that says nothing new goes, if whoever knew it knew the row before it.
changed as (
    select
        compared.*,
        row_number() over (partition by opportunity_key order by valid_from, kind, version_number) as version_seq,
        case
            when known_to is not null then valid_from
            else lead(valid_from) over (
                partition by opportunity_key, known_to is null order by valid_from, kind, version_number
            )
        end as valid_to
    from compared
    where not is_covered and (
        content_before is null
        or content_before <> content
        or known_before > known_from
        or known_to_before is not null
    )
)

select
    changed.opportunity_key,
    changed.version_seq,
    {% for column in carried %}versions.{{ column }}, {% endfor %}
    versions.is_present,
    changed.stage,
    changed.source_stage,
    changed.status,
    changed.valid_from,
    changed.valid_to,
    changed.known_from,
    changed.known_to,
    changed.evidence_grade,
    changed.uncertainty_s,
    {{ surrogate_key(['source_system', 'source_org', 'account_id']) }} as own_account_key,
    {{ surrogate_key(['source_system', 'source_org', 'product_id']) }} as own_product_key,
    {{ surrogate_key(['source_system', 'source_org', 'owner_id']) }} as own_owner_key,
    {{ reference_key('account', 'account_id', 'account_name') }} as account_reference_key,
    {{ reference_key('product', 'product_id', 'product_name') }} as product_reference_key,
    {{ reference_key('user', 'owner_id', 'owner_name') }} as owner_reference_key
from changed
inner join numbered_versions as versions
    on versions.opportunity_key = changed.opportunity_key
    and versions.version_number = changed.version_number
