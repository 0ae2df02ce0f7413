with raw as (
    select * from {{ source('zoho', 'deal_history') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as visit_id,
        {{ lookup_id('Potential_Name') }} as opportunity_id,

        -- the visit. Its end is not taken from the vendor: Moved_To__s may change without moving the stamp.
        {{ text_field('Stage') }} as source_stage,
        {{ timestamp_field('Modified_Time') }} as entered_at,

        -- how we know
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
