with raw as (
    select * from {{ source('inputs', 'key_results') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as key_result_id,

        -- whose, and when
        {{ typed_field('year', 'integer') }} as fiscal_year,
        {{ text_field('period') }} as period,
        {{ text_field('level') }} as level,
        {{ text_field('axis') }} as axis,
        {{ text_field('team') }} as team,
        {{ text_field('person') }} as person,
        {{ text_field('person_id') }} as person_id,

        -- what is to be reached
        {{ text_field('objective_no') }} as objective_no,
        {{ text_field('objective') }} as objective,
        {{ text_field('key_result_no') }} as key_result_no,
        {{ text_field('key_result') }} as key_result,
        {{ text_field('metric') }} as metric,
        {{ typed_field('weight', 'decimal(18, 6)') }} as weight,

        -- how far
        {{ typed_field('base_value', 'decimal(18, 4)') }} as base_value,
        {{ typed_field('goal_value', 'decimal(18, 4)') }} as goal_value,
        {{ typed_field('current_value', 'decimal(18, 4)') }} as current_value,
        {{ typed_field('measured_on', 'date') }} as measured_on,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
