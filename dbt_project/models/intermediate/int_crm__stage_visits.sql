{{ config(**by_changed_opportunity()) }}

-- depends_on: {{ ref('int_crm__changed_opportunities') }}

with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

vendor_visits as (
    {{ union_sources('stage_visits', ['source_org', 'visit_id', 'opportunity_id', 'source_stage', 'entered_at']) }}
),

vendor_evidence as (
    select
        {{ surrogate_key(['source_system', 'source_org', 'opportunity_id']) }} as opportunity_key,
        source_system,
        source_stage,
        cast(null as {{ type_text() }}) as source_status,
        entered_at as seen_at,
        cast(null as date) as closed_on,
        cast(null as {{ type_timestamp_tz() }}) as created_at,
        cast(null as {{ type_timestamp_tz() }}) as stage_changed_at,
        visit_id as tie_breaker,
        'vendor_row' as evidence
    from vendor_visits
    where opportunity_id is not null and {{ is_of_changed_opportunity('vendor_visits') }}
),

-- Only where the vendor recorded nothing: its history is exact, ours sees the state at each change of the record.
version_evidence as (
    select
        versions.opportunity_key,
        versions.source_system,
        versions.source_stage,
        versions.source_status,
        versions.modified_at as seen_at,
        versions.actual_close_date as closed_on,
        versions.created_at,
        versions.stage_changed_at,
        -- of two ways that tell one change the API comes last
        cast(3 - versions.way_rank as {{ type_text() }}) || cast(versions.read_at as {{ type_text() }}) as tie_breaker,
        'version_diff' as evidence
    from {{ ref('int_crm__opportunity_versions_unioned') }} as versions
    left join (select distinct opportunity_key from vendor_evidence) as recorded
        on recorded.opportunity_key = versions.opportunity_key
    where versions.deleted_at is null and recorded.opportunity_key is null
        -- a file without these columns shows no stage
        and coalesce(versions.source_stage, versions.source_status) is not null
        and {{ is_of_changed_opportunity('versions') }}
),

evidence as (
    select * from vendor_evidence
    union all
    select * from version_evidence
),

mapped_stages as (
    {{ mapped_stages('evidence') }}
),

staged as (
    select
        evidence.*,
        mapped_stages.stage,
        coalesce(
            lag(seen_at) over (partition by opportunity_key order by seen_at, tie_breaker), created_at
        ) as seen_before_at
    from evidence
    cross join as_of
    inner join mapped_stages on {{ same_stage_spelling('mapped_stages', 'evidence') }}
    where {{ business_date('evidence.seen_at') }} <= as_of.as_of_date
),

compared as (
    select
        staged.*,
        lag(stage || '|' || coalesce(source_stage, '')) over (
            partition by opportunity_key order by seen_at, tie_breaker
        ) as previous_stages
    from staged
),

marked as (
    select
        compared.*,
        case
            when previous_stages is null or previous_stages <> stage || '|' || coalesce(source_stage, '') then 1 else 0
        end as is_begin
    from compared
),

visited as (
    select
        marked.*,
        sum(is_begin) over (
            partition by opportunity_key order by seen_at, tie_breaker rows between unbounded preceding and current row
        ) as visit_number
    from marked
),

-- When the visit began, as any row of it tells.
stamped as (
    select
        visited.*,
        min(stage_changed_at) over (partition by opportunity_key, visit_number) as began_at
    from visited
),

-- A moment that the record tells is believed if it lies between the two looks around the change. A closing day lies
-- somewhere in that day.
entered as (
    select
        stamped.*,
        stages.status,
        stages.stage_order,
        coalesce(began_at <= seen_at and began_at >= coalesce(seen_before_at, began_at), false) as is_stamped,
        stages.status <> 'open'
        and closed_on <= {{ business_date('seen_at') }}
        and (seen_before_at is null or closed_on >= {{ business_date('seen_before_at') }}) as is_dated_by_source
    from stamped
    inner join {{ ref('stages') }} as stages on stages.stage = stamped.stage
    where is_begin = 1
),

timed as (
    select
        opportunity_key,
        source_system,
        stage,
        source_stage,
        stage_order,
        status,
        case when is_stamped then 'vendor_stamp' else evidence end as evidence,
        seen_at,
        tie_breaker,
        case
            when is_stamped then began_at
            when is_dated_by_source
                then greatest({{ business_midnight('closed_on') }}, coalesce(seen_before_at, {{ business_midnight('closed_on') }}))
            else seen_at
        end as entered_at,
        case
            when evidence = 'vendor_row' or is_stamped then 0
            when is_dated_by_source then 86400
            else {{ seconds_between('seen_before_at', 'seen_at') }}
        end as entered_uncertainty_s
    from entered
),

numbered as (
    select
        timed.*,
        row_number() over (partition by opportunity_key order by seen_at, tie_breaker) as visit_seq,
        lead(entered_at) over (partition by opportunity_key order by seen_at, tie_breaker) as exited_at,
        lead(stage) over (partition by opportunity_key order by seen_at, tie_breaker) as next_stage
    from timed
)

select
    opportunity_key,
    visit_seq,
    stage,
    source_stage,
    stage_order,
    status,
    entered_at,
    exited_at,
    next_stage,
    entered_uncertainty_s,
    evidence,
    next_stage is null as is_last
from numbered
