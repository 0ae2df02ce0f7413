{# The ways a result is cut into teams. An opportunity belongs to exactly one team on each axis. #}
{% macro team_axes() -%}{{ return(['company', 'manager', 'region', 'product_line']) }}{%- endmacro %}

{# `region:central`; NULL becomes the axis's unassigned team. #}
{% macro team_key(axis, value) -%}'{{ axis }}:' || coalesce({{ value }}, 'unassigned'){%- endmacro %}
