with raw as (
    select * from {{ source('zoho', 'accounts__history') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as account_id,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,
        {{ lookup_id('Parent_Account') }} as account_parent_id,
        {{ lookup_name('Parent_Account') }} as account_parent_name,

        -- what it is
        {{ text_field('Account_Name') }} as account_name,
        {{ text_field('Account_Type') }} as account_type,
        {{ text_field(var('zoho_customer_type_field')) }} as customer_type,
        {{ timestamp_field('Created_Time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _loaded_at as known_at,
        _deleted_at as deleted_at
    from raw
)

select * from renamed
