with raw as (
    select * from {{ source('inputs', 'team_memberships') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as membership_id,

        -- who, where and when
        {{ text_field('person') }} as person,
        {{ text_field('person_id') }} as person_id,
        {{ text_field('axis') }} as axis,
        {{ text_field('team') }} as team,
        {{ typed_field('valid_from', 'date') }} as valid_from,
        {{ typed_field('valid_to', 'date') }} as valid_to,

        -- how much of it
        {{ typed_field('weight', 'decimal(18, 6)') }} as weight,
        {{ typed_field('is_primary', 'boolean') }} as is_primary,
        {{ text_field('role') }} as role,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
