with raw as (
    select * from {{ source('inputs', 'survey_responses') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as survey_response_id,

        -- who was asked
        {{ text_field('survey') }} as survey,
        {{ text_field('response_no') }} as response_no,
        {{ text_field('crm') }} as crm_source,
        {{ text_field('account') }} as account,
        {{ text_field('account_id') }} as account_id,
        {{ text_field('case_no') }} as case_no,
        {{ text_field('opportunity_id') }} as opportunity_id,

        -- what was answered
        {{ text_field('kind') }} as kind,
        {{ typed_field('answered_on', 'date') }} as answered_on,
        {{ typed_field('score', 'decimal(18, 2)') }} as score,
        {{ typed_field('scale_min', 'decimal(18, 2)') }} as scale_min,
        {{ typed_field('scale_max', 'decimal(18, 2)') }} as scale_max,

        -- whose it is
        {{ text_field('owner') }} as owner,
        {{ text_field('owner_id') }} as owner_id,

        -- personal
        {{ text_field('respondent') }} as respondent,
        {{ text_field('comment') }} as comment,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
