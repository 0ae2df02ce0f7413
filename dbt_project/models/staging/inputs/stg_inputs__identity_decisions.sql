with raw as (
    select * from {{ source('inputs', 'identity_decisions') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as identity_decision_id,

        -- which pair
        {{ text_field('entity') }} as entity,
        {{ text_field('left_source') }} as left_source,
        {{ text_field('left_id') }} as left_id,
        {{ text_field('left_name') }} as left_name,
        {{ text_field('right_source') }} as right_source,
        {{ text_field('right_id') }} as right_id,
        {{ text_field('right_name') }} as right_name,

        -- what was decided
        {{ text_field('decision') }} as decision,
        {{ text_field('decided_by') }} as decided_by,
        {{ typed_field('decided_on', 'date') }} as decided_on,
        {{ text_field('reason') }} as reason,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
