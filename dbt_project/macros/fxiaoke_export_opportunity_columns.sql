{# An opportunity of an export file, current row or version, as staging shows it. #}
{% macro fxiaoke_export_opportunity_columns() %}
        -- keys
        _org as source_org,
        _record_id as opportunity_id,
        {{ export_key_kind() }} as record_key_kind,
        _number as record_number,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('product_id') }} as product_id,
        {{ lookup_name('product_id') }} as product_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as opportunity_name,
        {{ lookup_name('sales_process_id') }} as pipeline,
        {{ text_field('sales_stage') }} as source_stage,
        {{ text_field('sales_status') }} as source_status,
        {{ text_field('life_status') }} as source_record_status,
        {{ text_field('lost_reason') }} as lost_reason,
        {{ text_field('source') }} as lead_source,

        -- money
        {{ money_field('amount') }} as amount,
        cast(null as {{ type_text() }}) as currency_code,
        cast(null as {{ type_rate() }}) as exchange_rate,

        -- days and moments
        {{ typed_field('close_date', 'date') }} as expected_close_date,
        {{ typed_field('actual_close_date', 'date') }} as actual_close_date,
        cast(null as {{ type_timestamp_tz() }}) as stage_changed_at,
        {{ timestamp_field('create_time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _deleted_at as deleted_at
{% endmacro %}

{# What tells a record of an export file apart: its id, its number or only its name (connectors/fxiaoke, `_record_id`). #}
{% macro export_key_kind() -%}
    case when _record_id like 'number:%' then 'number' when _record_id like 'name:%' then 'name' else 'id' end
{%- endmacro %}
