with raw as (
    select * from {{ source('fxiaoke_export', 'new_opportunity_obj__history') }}
),

renamed as (
    select
        {{- fxiaoke_export_opportunity_columns() }}
    from raw
)

select * from renamed
