with raw as (
    select * from {{ source('fxiaoke_export', 'new_opportunity_obj') }}
),

renamed as (
    select
        {{- fxiaoke_export_opportunity_columns() }}
    from raw
    where _deleted_at is null
)

select * from renamed
