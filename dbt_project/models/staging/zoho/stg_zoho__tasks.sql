{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('zoho', 'tasks') }}
),

renamed as (
    select
        -- keys. What_Id may be a record of any module: ids are one sequence
        _org as source_org,
        _record_id as activity_id,
        cast(null as {{ type_text() }}) as account_id,
        cast(null as {{ type_text() }}) as account_name,
        cast(null as {{ type_text() }}) as opportunity_id,
        cast(null as {{ type_text() }}) as opportunity_name,
        {{ lookup_id('What_Id') }} as related_id,
        {{ lookup_name('What_Id') }} as related_name,
        {{ lookup_id('Who_Id') }} as contact_id,
        {{ lookup_name('Who_Id') }} as contact_name,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- what it is
        'task' as source_type,
        length({{ text_field('Subject') }}) as subject_length,
        length({{ text_field('Description') }}) as note_length,
        {{ text_field('Status') }} as source_status,
        {{ timestamp_field('Closed_Time') }} is not null as is_done,
        cast(null as {{ type_text() }}) as source_direction,
        cast(null as {{ type_text() }}) as source_record_status,

        -- days and moments
        coalesce({{ timestamp_field('Closed_Time') }}, {{ business_midnight(typed_field('Due_Date', 'date')) }}, {{ timestamp_field('Created_Time') }}) as started_at,
        {{ timestamp_field('Closed_Time') }} as ended_at,
        cast(null as bigint) as duration_s,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
