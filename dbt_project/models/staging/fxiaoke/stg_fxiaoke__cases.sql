{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'cases_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as case_id,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('contact_id') }} as contact_id,
        {{ lookup_name('contact_id') }} as contact_name,
        cast(null as {{ type_text() }}) as opportunity_id,
        cast(null as {{ type_text() }}) as opportunity_name,
        {{ lookup_id('product_id') }} as product_id,
        {{ lookup_name('product_id') }} as product_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as case_no,
        {{ lookup_label('case_type') }} as source_type,
        {{ lookup_label('case_status') }} as source_status,
        {{ lookup_label('priority') }} as source_priority,
        {{ lookup_label('case_source') }} as source_origin,
        cast(null as {{ type_text() }}) as source_reason,
        length({{ text_field('content') }}) as subject_length,
        {{ lookup_label('life_status') }} as source_record_status,

        -- days and moments
        {{ timestamp_field('first_response_time') }} as first_responded_at,
        {{ timestamp_field('solved_time') }} as resolved_at,
        {{ timestamp_field('closed_time') }} as closed_at,
        {{ typed_field('reopen_count', 'bigint') }} as reopened_count,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
