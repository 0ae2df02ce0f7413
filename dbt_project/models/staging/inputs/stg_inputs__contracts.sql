with raw as (
    select * from {{ source('inputs', 'contracts') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as contract_row_id,

        -- which contract
        {{ text_field('contract_no') }} as contract_no,
        {{ text_field('title') }} as title,
        {{ text_field('crm') }} as crm_source,
        {{ text_field('account') }} as account,
        {{ text_field('account_id') }} as account_id,
        {{ text_field('opportunity_id') }} as opportunity_id,
        {{ text_field('renewal_of') }} as renewal_of,

        -- what was agreed
        {{ text_field('status') }} as status,
        {{ typed_field('signed_on', 'date') }} as signed_on,
        {{ typed_field('starts_on', 'date') }} as starts_on,
        {{ typed_field('ends_on', 'date') }} as ends_on,
        {{ money_field('amount') }} as amount,
        {{ text_field('currency') }} as currency_code,

        -- whose it is
        {{ text_field('owner') }} as owner,
        {{ text_field('owner_id') }} as owner_id,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
