with raw as (
    select * from {{ source('inputs', 'payment_plans') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as payment_plan_id,

        -- what is due
        {{ text_field('crm') }} as crm_source,
        {{ text_field('account') }} as account,
        {{ text_field('account_id') }} as account_id,
        {{ text_field('contract_no') }} as contract_no,
        {{ text_field('order_no') }} as order_no,
        {{ text_field('opportunity_id') }} as opportunity_id,
        {{ typed_field('instalment', 'integer') }} as instalment,

        -- when and how much
        {{ text_field('status') }} as status,
        {{ typed_field('due_on', 'date') }} as due_on,
        {{ money_field('amount') }} as amount,
        {{ text_field('currency') }} as currency_code,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
