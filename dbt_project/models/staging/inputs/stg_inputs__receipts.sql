with raw as (
    select * from {{ source('inputs', 'receipts') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as receipt_row_id,

        -- what it pays
        {{ text_field('receipt_no') }} as receipt_no,
        {{ text_field('crm') }} as crm_source,
        {{ text_field('account') }} as account,
        {{ text_field('account_id') }} as account_id,
        {{ text_field('order_no') }} as order_no,
        {{ text_field('contract_no') }} as contract_no,
        {{ text_field('opportunity_id') }} as opportunity_id,

        -- what was paid
        {{ text_field('kind') }} as kind,
        {{ typed_field('paid_on', 'date') }} as paid_on,
        {{ money_field('amount') }} as amount,
        {{ text_field('currency') }} as currency_code,
        {{ text_field('method') }} as method,
        {{ text_field('payer') }} as payer,

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
