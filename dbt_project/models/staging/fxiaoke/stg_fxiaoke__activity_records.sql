{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'active_record_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as activity_id,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('new_opportunity_id') }} as opportunity_id,
        {{ lookup_name('new_opportunity_id') }} as opportunity_name,
        cast(null as {{ type_text() }}) as related_id,
        cast(null as {{ type_text() }}) as related_name,
        cast(null as {{ type_text() }}) as contact_id,
        cast(null as {{ type_text() }}) as contact_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        coalesce({{ lookup_label('interactive_types') }}, {{ lookup_label('active_record_type') }}) as source_type,
        length({{ text_field('name') }}) as subject_length,
        length({{ text_field('active_record_content') }}) as note_length,
        {{ lookup_label('interactive_scenario') }} as source_status,
        true as is_done,
        cast(null as {{ type_text() }}) as source_direction,
        {{ lookup_label('life_status') }} as source_record_status,

        -- days and moments
        {{ timestamp_field('create_time') }} as started_at,
        cast(null as {{ type_timestamp_tz() }}) as ended_at,
        cast(null as bigint) as duration_s,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
