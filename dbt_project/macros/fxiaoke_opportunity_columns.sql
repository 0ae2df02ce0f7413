{# An opportunity by Fxiaoke's API, current row or version, as staging shows it. Pick lists carry code and label. #}
{% macro fxiaoke_opportunity_columns() %}
        -- keys
        _org as source_org,
        _record_id as opportunity_id,
        cast(null as {{ type_text() }}) as record_number,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('product_id') }} as product_id,
        {{ lookup_name('product_id') }} as product_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as opportunity_name,
        {{ lookup_label('sales_process_id') }} as pipeline,
        {{ lookup_label('sales_stage') }} as source_stage,
        {{ lookup_label('sales_status') }} as source_status,
        {{ lookup_label('life_status') }} as source_record_status,
        {{ lookup_label('lost_reason') }} as lost_reason,
        {{ lookup_label('source') }} as lead_source,

        -- money
        {{ money_field('amount') }} as amount,
        {{ text_field('mc_currency') }} as currency_code,
        {{ typed_field('mc_exchange_rate', type_rate()) }} as exchange_rate,

        -- days and moments. A date is the moment at which it begins where the tenant lives.
        {{ business_date(timestamp_field('close_date')) }} as expected_close_date,
        {{ business_date(timestamp_field('actual_close_date')) }} as actual_close_date,
        {{ timestamp_field('stg_changed_time') }} as stage_changed_at,
        {{ timestamp_field('create_time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _deleted_at as deleted_at
{% endmacro %}
