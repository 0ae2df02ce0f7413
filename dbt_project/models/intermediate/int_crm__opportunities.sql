{{ config(materialized='table') }}

with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

states as (
    select * from {{ ref('int_crm__opportunity_states') }}
),

mapped_stages as (
    {{ mapped_stages('states') }}
),

last_visits as (
    select * from {{ ref('int_crm__stage_visits') }}
    where is_last
),

first_looks as (
    select
        opportunity_key,
        min(modified_at) as first_seen_at
    from {{ ref('int_crm__opportunity_versions_unioned') }}
    group by opportunity_key
),

mapped as (
    select
        states.*,
        as_of.as_of_date,
        mapped_stages.stage as mapped_stage,
        coalesce(states.lost_reason, mapped_stages.reason) as stated_lost_reason,
        coalesce(record_status_map.record_status, 'normal') as record_status,
        coalesce(record_status_map.is_counted, true) as is_counted,
        coalesce(first_looks.first_seen_at, states.modified_at) as first_seen_at
    from states
    cross join as_of
    inner join mapped_stages on {{ same_stage_spelling('mapped_stages', 'states') }}
    left join {{ ref('record_status_map') }} as record_status_map
        on record_status_map.source = states.source_system
        and record_status_map.source_record_status = states.source_record_status
    left join first_looks on first_looks.opportunity_key = states.opportunity_key
),

-- On a past day the vendor's own stage history knows best. A record that we saw only later was still open on
-- that day, unless it names an earlier closing.
settled as (
    select
        mapped.*,
        last_visits.evidence as visit_evidence,
        last_visits.visit_seq,
        last_visits.status as visit_status,
        last_visits.entered_at as visit_entered_at,
        case
            when state_evidence <> 'current' and last_visits.evidence = 'vendor_row' then last_visits.stage
            when state_evidence <> 'rewound' then mapped_stage
            when mapped_stages.status <> 'open' and coalesce(actual_close_date, expected_close_date) <= as_of_date
                then mapped_stage
            else 'unknown'
        end as stage
    from mapped
    inner join {{ ref('stages') }} as mapped_stages on mapped_stages.stage = mapped.mapped_stage
    left join last_visits on last_visits.opportunity_key = mapped.opportunity_key
),

-- What we know of the moment of closing. A day after the as-of day is a plan, not a fact; and an expected day
-- after the first look that found the record closed cannot be right.
closings as (
    select
        settled.*,
        stages.stage_order,
        stages.status,
        -- The only visit of a record that was created closed (an import) tells when it was imported.
        case
            when visit_evidence = 'vendor_row' and visit_seq > 1 and visit_status = stages.status
                then visit_entered_at
        end as by_vendor,
        case when actual_close_date <= as_of_date then {{ business_midnight('actual_close_date') }} end as by_actual,
        case
            when expected_close_date <= coalesce({{ business_date('visit_entered_at') }}, as_of_date)
                then {{ business_midnight('expected_close_date') }}
        end as by_expected,
        -- Fxiaoke tells when the present stage began.
        case when visit_evidence = 'vendor_stamp' and visit_status = stages.status then visit_entered_at end as by_stamp,
        case when visit_status = stages.status then visit_entered_at else modified_at end as by_first_look
    from settled
    inner join {{ ref('stages') }} as stages on stages.stage = settled.stage
),

closed as (
    select
        closings.*,
        case
            when status <> 'open' then coalesce(by_vendor, by_actual, by_stamp, by_expected, by_first_look)
        end as closed_at,
        case
            when status = 'open' then null
            when by_vendor is not null then 'vendor_row'
            when by_actual is not null then 'actual_date'
            when by_stamp is not null then 'vendor_stamp'
            when by_expected is not null then 'expected_date'
            else 'first_look'
        end as closed_at_evidence
    from closings
)

select
    opportunity_key,
    source_system,
    source_way,
    source_org,
    opportunity_id,
    opportunity_name,
    {{ reference_key('account', 'account_id', 'account_name') }} as account_reference_key,
    {{ reference_key('product', 'product_id', 'product_name') }} as product_reference_key,
    {{ reference_key('user', 'owner_id', 'owner_name') }} as owner_reference_key,
    account_id,
    account_name,
    product_id,
    product_name,
    owner_id,
    owner_name,
    pipeline,
    stage,
    stage_order,
    source_stage,
    status,
    record_status,
    is_counted,
    case when status in ('lost', 'derailed') then stated_lost_reason end as lost_reason,
    lead_source,
    amount,
    currency_code,
    exchange_rate,
    expected_close_date,
    created_at,
    {{ business_date('created_at') }} as created_on,
    closed_at,
    {{ business_date('closed_at') }} as closed_on,
    closed_at_evidence,
    first_seen_at,
    coalesce({{ business_date('created_at') }}, {{ business_date('first_seen_at') }}) as opened_on,
    modified_at,
    state_evidence,
    as_of_date
from closed
