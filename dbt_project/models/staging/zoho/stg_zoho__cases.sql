{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('zoho', 'cases') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as case_id,
        {{ lookup_id('Account_Name') }} as account_id,
        {{ lookup_name('Account_Name') }} as account_name,
        {{ lookup_id('Related_To') }} as contact_id,
        {{ lookup_name('Related_To') }} as contact_name,
        {{ lookup_id('Deal_Name') }} as opportunity_id,
        {{ lookup_name('Deal_Name') }} as opportunity_name,
        {{ lookup_id('Product_Name') }} as product_id,
        {{ lookup_name('Product_Name') }} as product_name,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- what it is
        {{ text_field('Case_Number') }} as case_no,
        {{ text_field('Type') }} as source_type,
        {{ text_field('Status') }} as source_status,
        {{ text_field('Priority') }} as source_priority,
        {{ text_field('Case_Origin') }} as source_origin,
        {{ text_field('Case_Reason') }} as source_reason,
        length({{ text_field('Subject') }}) as subject_length,
        cast(null as {{ type_text() }}) as source_record_status,

        -- days and moments. No standard field says when a case was answered or solved
        cast(null as {{ type_timestamp_tz() }}) as first_responded_at,
        cast(null as {{ type_timestamp_tz() }}) as resolved_at,
        cast(null as {{ type_timestamp_tz() }}) as closed_at,
        cast(null as bigint) as reopened_count,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
