{{ config(**by_changed_opportunity()) }}

-- depends_on: {{ ref('int_crm__changed_opportunities') }}
with visits as (
    select * from {{ ref('int_crm__stage_visits') }} as known
    where {{ is_of_changed_opportunity('known', by_key=true) }}
),

-- Visits of deleted and of uncounted opportunities have no fact to hang on.
opportunities as (
    select opportunity_key from {{ ref('fct_opportunity') }}
)

select
    cast({{ surrogate_key(['visits.opportunity_key', 'visits.visit_seq']) }} as {{ type_text() }}) as stage_visit_key,
    cast(visits.opportunity_key as {{ type_text() }}) as opportunity_key,
    cast(visits.visit_seq as bigint) as visit_seq,
    cast(visits.stage as {{ type_text() }}) as stage,
    cast(visits.stage_order as integer) as stage_order,
    cast(visits.source_stage as {{ type_text() }}) as source_stage,
    cast(visits.status as {{ type_text() }}) as status,
    cast(visits.entered_at as {{ type_timestamp_tz() }}) as entered_at,
    cast(visits.exited_at as {{ type_timestamp_tz() }}) as exited_at,
    cast(visits.next_stage as {{ type_text() }}) as next_stage,
    cast(
        {{ seconds_between('visits.entered_at', 'visits.exited_at') }} / cast(86400 as {{ type_double() }})
        as {{ type_double() }}
    ) as duration_days,
    cast(visits.entered_uncertainty_s as bigint) as entered_uncertainty_s,
    cast(visits.evidence as {{ type_text() }}) as evidence,
    cast({{ evidence_grade('visits.evidence') }} as {{ type_text() }}) as evidence_grade
from visits
inner join opportunities on opportunities.opportunity_key = visits.opportunity_key
