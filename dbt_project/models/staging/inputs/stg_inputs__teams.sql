with raw as (
    select * from {{ source('inputs', 'teams') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as team_row_id,

        -- which team, and when
        {{ text_field('axis') }} as axis,
        {{ text_field('team') }} as team,
        {{ typed_field('valid_from', 'date') }} as valid_from,
        {{ typed_field('valid_to', 'date') }} as valid_to,

        -- its place
        {{ text_field('parent_team') }} as parent_team,
        {{ text_field('leader') }} as leader,
        {{ text_field('leader_id') }} as leader_id,
        {{ text_field('successor') }} as successor,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
