{# The CRM whose records a source brings: itself, or the CRM that it is another way into. #}
{% macro crm_of(source) -%}
    case {{ source }}
        {%- for way, crm in var('other_ways').items() %}
        when '{{ way }}' then '{{ crm }}'
        {%- endfor %}
        else {{ source }}
    end
{%- endmacro %}
