with raw as (
    select * from {{ source('inputs', 'opportunity_splits') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as opportunity_split_id,

        -- which opportunity
        {{ text_field('crm') }} as crm_source,
        {{ text_field('opportunity_id') }} as opportunity_id,
        {{ text_field('opportunity_name') }} as opportunity_name,

        -- whose share
        {{ text_field('person') }} as person,
        {{ text_field('person_id') }} as person_id,
        {{ text_field('role') }} as role,
        {{ typed_field('share', 'decimal(18, 6)') }} as share,
        {{ typed_field('valid_from', 'date') }} as valid_from,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
