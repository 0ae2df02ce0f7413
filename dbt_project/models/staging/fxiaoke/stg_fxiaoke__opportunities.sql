with raw as (
    select * from {{ source('fxiaoke', 'new_opportunity_obj') }}
),

renamed as (
    select
        {{- fxiaoke_opportunity_columns() }}
    from raw
    where _deleted_at is null
)

select * from renamed
