with raw as (
    select * from {{ source('fxiaoke', 'new_opportunity_obj__history') }}
),

renamed as (
    select
        {{- fxiaoke_opportunity_columns() }}
    from raw
)

select * from renamed
