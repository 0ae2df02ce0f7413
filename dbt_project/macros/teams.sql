{# The ways a result is cut into teams. An opportunity belongs to exactly one team on each axis. #}
{% macro team_axes() -%}
    {{ return(['company', 'manager', 'region', 'product_line', 'customer_type', 'org']) }}
{%- endmacro %}

{# Axes on which the CRM itself places every person; on the others a product or an account decides. #}
{% macro person_axes() -%}{{ return(['company', 'manager', 'region', 'org']) }}{%- endmacro %}

{# `region:central`; NULL becomes the axis's unassigned team. #}
{% macro team_key(axis, value) -%}'{{ axis }}:' || coalesce({{ value }}, 'unassigned'){%- endmacro %}

{# Where nobody says: the axis's unassigned team; there is one company. #}
{% macro no_team(axis) -%}{{ team_key(axis, "'all'" if axis == 'company' else 'null') }}{%- endmacro %}

{# The key of a team of an axis that a row names. #}
{% macro team_key_of(axis, name) -%}{{ axis }} || ':' || coalesce({{ match_key(name) }}, 'unassigned'){%- endmacro %}

{#
    Joins a row of `relation` that names a person (a spreadsheet's name, and number or e-mail where it has one) to
    int_org__people. Where there is a number, only the number counts.
#}
{% macro named_person(people, name, number) -%}
    {{ people }}.lookup_kind = case when {{ number }} is null then 'name' else 'number' end
        and {{ people }}.lookup_key = {{ match_key('coalesce(' ~ number ~ ', ' ~ name ~ ')') }}
{%- endmacro %}
