{{ config(materialized='ephemeral') }}

{%- set columns = [
    'source_org', 'activity_id', 'account_id', 'account_name', 'opportunity_id', 'opportunity_name', 'related_id',
    'contact_id', 'contact_name', 'owner_id', 'owner_name', 'source_type', 'source_status', 'source_record_status',
    'is_done', 'source_direction', 'subject_length', 'note_length', 'started_at', 'ended_at', 'duration_s', 'created_at',
    'modified_at',
] %}
{%- set visit_columns = [
    'planned_on', 'scene', 'checked_in_at', 'checked_out_at', 'address', 'distance_m', 'visit_note_length',
] %}

with told as (
    {%- for entity in ['tasks', 'calls', 'activity_records'] %}
    select
        known.*,
        cast(null as date) as planned_on,
        cast(null as {{ type_text() }}) as scene,
        cast(null as {{ type_timestamp_tz() }}) as checked_in_at,
        cast(null as {{ type_timestamp_tz() }}) as checked_out_at,
        cast(null as {{ type_text() }}) as address,
        cast(null as {{ type_double() }}) as distance_m,
        cast(null as bigint) as visit_note_length
    from ({{ ledger_union(entity, columns) }}) as known
    union all
    {%- endfor %}
    {{ ledger_union('events', columns + visit_columns) }}
    union all
    {{ ledger_union('visits', columns + visit_columns) }}
),

-- What a Zoho activity is about may be of any module: an opportunity, or else an account.
related as (
    select
        told.source_system,
        told.source_way,
        told.source_org,
        told.activity_id,
        coalesce(told.account_id, deals.account_id, case when accounts.account_id is not null then told.related_id end)
            as account_id,
        coalesce(told.account_name, deals.account_name, accounts.account_name) as account_name,
        coalesce(told.opportunity_id, deals.opportunity_id) as opportunity_id,
        coalesce(told.opportunity_name, deals.opportunity_name) as opportunity_name,
        told.related_id,
        {% for column in (columns + visit_columns)[7:] -%}
        told.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from told
    left join {{ ref('int_crm__opportunities_unioned') }} as deals
        on deals.source_system = told.source_system
        and deals.source_org = told.source_org
        and deals.opportunity_id = told.related_id
    left join {{ ref('int_crm__accounts_unioned') }} as accounts
        on accounts.source_system = told.source_system
        and accounts.source_org = told.source_org
        and accounts.account_id = told.related_id
)

{{ ledger_records('related', 'activity_key', 'activity_id', ledger_references('activities')) }}
