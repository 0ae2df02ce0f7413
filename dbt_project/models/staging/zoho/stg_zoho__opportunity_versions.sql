with raw as (
    select * from {{ source('zoho', 'deals__history') }}
),

renamed as (
    select
        {{- zoho_deal_columns() }}
    from raw
)

select * from renamed
