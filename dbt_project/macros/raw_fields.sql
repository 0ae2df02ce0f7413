{#
    How staging reads a raw column. Types may have drifted since they were declared, so everything is tried,
    never asserted; column names are the CRM's own spelling, so everything is quoted.
#}

{% macro text_field(name) -%}
    nullif(trim(cast({{ adapter.quote(name) }} as {{ type_text() }})), '')
{%- endmacro %}

{% macro typed_field(name, type) -%}{{ try_cast(adapter.quote(name), type) }}{%- endmacro %}

{% macro money_field(name) -%}{{ typed_field(name, 'decimal(18, 2)') }}{%- endmacro %}

{% macro timestamp_field(name) -%}{{ typed_field(name, type_timestamp_tz()) }}{%- endmacro %}

{% macro lookup_id(name) -%}
    nullif(trim(cast({{ lookup_part(adapter.quote(name), 'id') }} as {{ type_text() }})), '')
{%- endmacro %}

{% macro lookup_name(name) -%}
    nullif(trim(cast({{ lookup_part(adapter.quote(name), 'name') }} as {{ type_text() }})), '')
{%- endmacro %}

{# What a code is called; the code itself where nobody says. #}
{% macro lookup_label(name) -%}coalesce({{ lookup_name(name) }}, {{ lookup_id(name) }}){%- endmacro %}
