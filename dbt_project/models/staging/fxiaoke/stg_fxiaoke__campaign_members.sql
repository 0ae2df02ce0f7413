{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'campaign_members_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as campaign_member_id,
        {{ lookup_id('marketing_event_id') }} as campaign_id,
        {{ lookup_name('marketing_event_id') }} as campaign_name,
        {{ lookup_id('leads_id') }} as lead_id,
        {{ lookup_name('leads_id') }} as lead_name,
        {{ lookup_id('contact_id') }} as contact_id,
        {{ lookup_name('contact_id') }} as contact_name,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ lookup_label('campaign_members_type') }} as source_type,
        {{ lookup_label('campaign_members_status') }} as source_status,
        {{ lookup_label('life_status') }} as source_record_status,

        -- days and moments
        {{ timestamp_field('sign_in_time') }} as signed_in_at,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
