{# A deal, current row or version, as staging shows it. #}
{% macro zoho_deal_columns() %}
        -- keys
        _org as source_org,
        _record_id as opportunity_id,
        {{ lookup_id('Account_Name') }} as account_id,
        {{ lookup_name('Account_Name') }} as account_name,
        {{ lookup_id('Product') }} as product_id,
        {{ lookup_name('Product') }} as product_name,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- what it is
        {{ text_field('Deal_Name') }} as opportunity_name,
        {{ text_field('Pipeline') }} as pipeline,
        {{ text_field('Stage') }} as source_stage,
        cast(null as {{ type_text() }}) as source_status,
        cast(null as {{ type_text() }}) as source_record_status,
        {{ text_field('Reason_For_Loss__s') }} as lost_reason,
        {{ text_field('Lead_Source') }} as lead_source,

        -- money
        {{ money_field('Amount') }} as amount,
        {{ text_field('Currency') }} as currency_code,
        {{ inverse_rate(typed_field('Exchange_Rate', type_double())) }} as exchange_rate,

        -- days and moments. Zoho has one date: expected while open, actual once closed.
        {{ typed_field('Closing_Date', 'date') }} as expected_close_date,
        cast(null as date) as actual_close_date,
        cast(null as {{ type_timestamp_tz() }}) as stage_changed_at,
        {{ timestamp_field('Created_Time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _deleted_at as deleted_at
{% endmacro %}
