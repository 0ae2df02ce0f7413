with counted as (
    select
        known.*,
        as_of.as_of_date
    from {{ ref('int_crm__opportunities') }} as known
    cross join {{ ref('int_crm__as_of') }} as as_of
),

opportunities as (
    {{ fx_converted('counted', 'coalesce(events.closed_on, events.as_of_date)') }}
),

lookups as (
    select * from {{ ref('int_crm__references') }}
),

members as (
    select * from {{ ref('int_crm__user_members') }}
),

account_members as (
    select * from {{ ref('int_crm__account_members') }}
),

product_members as (
    select * from {{ ref('int_crm__product_members') }}
),

deals as (
    select * from {{ ref('int_crm__opportunity_members') }}
),

past_owners as (
    select
        owners.opportunity_key,
        owners.valid_from,
        owners.valid_to,
        lookups.record_key as user_key
    from {{ ref('int_crm__opportunity_owners') }} as owners
    inner join lookups on lookups.reference_key = owners.owner_reference_key
),

slice_teams as (
    {{ slice_teams() }}
),

{% for axis in record_axes() -%}
{{ axis }}_records as (
    {{ record_teams(axis) }}
),

{% endfor -%}
-- The day that the teams as they were are of: the closing, or the as-of day while it is open. Every reference has its
-- row in each of these tables; as left joins, and with the filter at the end, engines know that all opportunities stay,
-- and hash the small side.
resolved as (
    select
        opportunities.*,
        accounts.record_key as account_key,
        accounts.resolution as account_resolution,
        account_members.account_uid,
        product_lookups.record_key as product_key,
        product_lookups.resolution as product_resolution,
        product_members.product_uid,
        deals.opportunity_uid,
        deals.is_duplicate,
        owners.record_key as owner_user_key,
        coalesce(opportunities.closed_on, opportunities.as_of_date) as event_on
    from opportunities
    left join lookups as accounts on accounts.reference_key = opportunities.account_reference_key
    left join lookups as product_lookups on product_lookups.reference_key = opportunities.product_reference_key
    left join lookups as owners on owners.reference_key = opportunities.owner_reference_key
    left join account_members on account_members.account_key = accounts.record_key
    left join deals on deals.opportunity_key = opportunities.opportunity_key
    left join product_members on product_members.product_key = product_lookups.record_key
),

owned as (
    select
        resolved.*,
        coalesce(past_owners.user_key, resolved.owner_user_key) as credit_user_key
    from resolved
    left join past_owners
        on past_owners.opportunity_key = resolved.opportunity_key
        and past_owners.valid_from <= resolved.event_on
        and past_owners.valid_to > resolved.event_on
),

people as (
    select
        owned.*,
        coalesce(members.user_uid, owned.owner_user_key) as owner_user_uid,
        coalesce(credited.user_uid, owned.credit_user_key) as credit_user_uid
    from owned
    left join members on members.user_key = owned.owner_user_key
    left join members as credited on credited.user_key = owned.credit_user_key
)

select
    -- keys
    cast(opportunities.opportunity_key as {{ type_text() }}) as opportunity_key,
    cast(opportunities.source_system as {{ type_text() }}) as source_system,
    cast(opportunities.source_way as {{ type_text() }}) as source_way,
    cast(opportunities.source_org as {{ type_text() }}) as source_org,
    cast(opportunities.opportunity_id as {{ type_text() }}) as source_id,
    cast(opportunities.opportunity_uid as {{ type_text() }}) as opportunity_uid,
    cast(opportunities.is_duplicate as boolean) as is_duplicate,
    cast(opportunities.account_key as {{ type_text() }}) as account_key,
    cast(opportunities.account_uid as {{ type_text() }}) as account_uid,
    cast(opportunities.product_key as {{ type_text() }}) as product_key,
    cast(opportunities.product_uid as {{ type_text() }}) as product_uid,
    cast(opportunities.owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(opportunities.owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(opportunities.credit_user_uid as {{ type_text() }}) as credit_user_uid,

    -- teams, as they were on event_on and as they are
    cast(opportunities.event_on as date) as event_on,
    {%- for axis in team_axes() %}
    {%- set of_record = axis in record_axes() %}
    cast(
        coalesce(past.{{ axis }}_team_key, {% if of_record %}{{ axis }}_past.team_key, {% endif %}{{ no_team(axis) }})
        as {{ type_text() }}
    ) as {{ axis }}_team_key,
    {%- if axis != 'company' %}
    cast(
        coalesce(
            present.{{ axis }}_team_key_as_is, {% if of_record %}{{ axis }}_present.as_is_team_key, {% endif %}
            {{ no_team(axis) }}
        ) as {{ type_text() }}
    ) as {{ axis }}_team_key_as_is,
    {%- endif %}
    {%- endfor %}

    -- what it is
    cast(opportunities.opportunity_name as {{ type_text() }}) as opportunity_name,
    cast(coalesce(opportunities.pipeline, 'unassigned') as {{ type_text() }}) as pipeline,
    cast(opportunities.stage as {{ type_text() }}) as stage,
    cast(opportunities.stage_order as integer) as stage_order,
    cast(opportunities.source_stage as {{ type_text() }}) as source_stage,
    cast(opportunities.status as {{ type_text() }}) as status,
    cast(opportunities.lost_reason as {{ type_text() }}) as lost_reason,
    cast(opportunities.lead_source as {{ type_text() }}) as lead_source,

    -- money
    cast(opportunities.amount as decimal(18, 2)) as amount,
    cast(opportunities.money_currency as {{ type_text() }}) as currency_code,
    cast(opportunities.amount_reporting as decimal(18, 2)) as amount_reporting,
    cast(opportunities.fx_day as date) as fx_on,
    cast(opportunities.fx_rate as decimal(20, 12)) as fx_rate,
    cast(opportunities.fx_rate_key as {{ type_text() }}) as fx_rate_key,
    cast(opportunities.fx_rate_source as {{ type_text() }}) as fx_rate_source,

    -- days and moments
    cast(opportunities.created_at as {{ type_timestamp_tz() }}) as created_at,
    cast(opportunities.created_on as date) as created_on,
    cast(opportunities.opened_on as date) as opened_on,
    cast(opportunities.expected_close_date as date) as expected_close_date,
    cast(opportunities.closed_at as {{ type_timestamp_tz() }}) as closed_at,
    cast(opportunities.closed_on as date) as closed_on,
    cast({{ cycle_days('opportunities.created_on', 'opportunities.closed_on') }} as bigint) as cycle_days,

    -- how we know
    cast(opportunities.account_resolution as {{ type_text() }}) as account_resolution,
    cast(opportunities.product_resolution as {{ type_text() }}) as product_resolution,
    cast(opportunities.closed_at_evidence as {{ type_text() }}) as closed_at_evidence,
    cast(opportunities.state_evidence as {{ type_text() }}) as state_evidence,
    cast(opportunities.modified_at as {{ type_timestamp_tz() }}) as modified_at,
    cast(opportunities.as_of_date as date) as as_of_date
from people as opportunities
left join slice_teams as past
    on past.user_uid = opportunities.credit_user_uid
    and past.valid_from <= opportunities.event_on
    and past.valid_to > opportunities.event_on
left join slice_teams as present
    on present.user_uid = opportunities.owner_user_uid
    and present.valid_from <= opportunities.as_of_date
    and present.valid_to > opportunities.as_of_date
{%- for axis, record in record_axes().items() %}
left join {{ axis }}_records as {{ axis }}_past
    on {{ axis }}_past.record_key = opportunities.{{ record }}
    and {{ axis }}_past.valid_from <= opportunities.event_on
    and {{ axis }}_past.valid_to > opportunities.event_on
left join {{ axis }}_records as {{ axis }}_present
    on {{ axis }}_present.record_key = opportunities.{{ record }}
    and {{ axis }}_present.valid_from <= opportunities.as_of_date
    and {{ axis }}_present.valid_to > opportunities.as_of_date
{%- endfor %}
where opportunities.is_counted
