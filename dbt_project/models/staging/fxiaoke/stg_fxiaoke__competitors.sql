{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'competitor_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as competitor_id,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as competitor_name,
        {{ lookup_label('competitor_level') }} as competitor_level,
        {{ text_field('advantage') }} as advantage,
        {{ text_field('weaknesses') }} as weakness,
        {{ text_field('website') }} as website,
        {{ lookup_label('life_status') }} as source_record_status,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
