{# The two ways a mart of teams may be read: as the organisation was on the day of the event, or as it is today. #}
{% macro org_views() -%}{{ return(['as_was', 'as_is']) }}{%- endmacro %}

{# One row per slice of int_org__slices: its primary team on each axis, then and under today's name. #}
{% macro slice_teams() -%}
    select
        slice_key,
        user_uid,
        valid_from,
        valid_to
        {%- for axis in team_axes() %},
        max(case when team_axis = '{{ axis }}' and is_primary then team_key end) as {{ axis }}_team_key,
        max(case when team_axis = '{{ axis }}' and is_primary then as_is_team_key end) as {{ axis }}_team_key_as_is,
        sum(case when team_axis = '{{ axis }}' then 1 else 0 end) as {{ axis }}_teams
        {%- endfor %}
    from {{ ref('int_org__slices') }}
    group by slice_key, user_uid, valid_from, valid_to
{%- endmacro %}

{# A product's or an account's own team on an axis that records have, with today's name of it. #}
{% macro record_teams(axis) -%}
    select
        records.record_key,
        records.valid_from,
        records.valid_to,
        records.team_key,
        teams.as_is_team_key
    from {{ ref('int_org__record_teams') }} as records
    inner join {{ ref('dim_team') }} as teams on teams.team_key = records.team_key
    where records.team_axis = '{{ axis }}'
{%- endmacro %}

{# Which column says what record an opportunity's team on such an axis is read from. #}
{% macro record_axes() -%}
    {{ return({'product_line': 'product_key', 'customer_type': 'account_key'}) }}
{%- endmacro %}
