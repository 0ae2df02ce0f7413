with raw as (
    select * from {{ source('zoho', 'deals') }}
),

renamed as (
    select
        {{- zoho_deal_columns() }}
    from raw
    where _deleted_at is null
)

select * from renamed
