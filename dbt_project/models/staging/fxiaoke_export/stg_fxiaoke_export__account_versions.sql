with raw as (
    select * from {{ source('fxiaoke_export', 'account_obj__history') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as account_id,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,
        {{ lookup_id('parent_account_id') }} as account_parent_id,
        {{ lookup_name('parent_account_id') }} as account_parent_name,

        -- what it is
        {{ text_field('name') }} as account_name,
        {{ text_field('account_type') }} as account_type,
        {{ text_field('account_type') }} as customer_type,
        {{ timestamp_field('create_time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _loaded_at as known_at,
        _deleted_at as deleted_at
    from raw
)

select * from renamed
