with raw as (
    select * from {{ source('inputs', 'manager_ratings') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as manager_rating_id,

        -- who was rated by whom
        {{ text_field('person') }} as person,
        {{ text_field('person_id') }} as person_id,
        {{ typed_field('year', 'integer') }} as fiscal_year,
        {{ text_field('period') }} as period,
        {{ text_field('aspect') }} as aspect,
        {{ text_field('rater') }} as rater,
        {{ typed_field('rated_on', 'date') }} as rated_on,

        -- how
        {{ typed_field('score', 'decimal(18, 2)') }} as score,
        {{ typed_field('full_score', 'decimal(18, 2)') }} as full_score,
        {{ text_field('comment') }} as comment,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
