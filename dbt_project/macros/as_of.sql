{#
    What held at the end of a business day, out of a history by valid time and knowledge time.

    A history has one row per record and version with version_seq (order of the versions of a record), valid_from and
    valid_to (half-open, as known today), known_from and known_to (the row counts for who knew what the warehouse knew
    in between; known_to is NULL while it counts) and is_present (false from where the record is gone).
#}

{# The moment at which the day after a business day begins. #}
{% macro day_end(day) -%}{{ business_midnight('cast(' ~ day ~ " + interval 1 day as date)") }}{%- endmacro %}

{# Whether a row of the history is what we know today of the end of a day. #}
{% macro held_on(history, day) -%}
    {{ history }}.is_present
        and {{ history }}.known_to is null
        and {{ history }}.valid_from < {{ day_end(day) }}
        and ({{ history }}.valid_to is null or {{ history }}.valid_to >= {{ day_end(day) }})
{%- endmacro %}

{#
    A subquery: the rows of `relation` that held at the end of business day `day`, as it was known at the moment
    `known` (as today without one). One row per record at most; a record that was gone, or unknown, has none.
#}
{% macro as_of(relation, day, known=none, key='opportunity_key') -%}
    (
        {% if known is none -%}
        select history.* from {{ relation }} as history where {{ held_on('history', day) }}
        {%- else -%}
        select newest.* from (
            select
                history.*,
                row_number() over (partition by history.{{ key }} order by history.version_seq desc) as as_of_rank
            from {{ relation }} as history
            where history.valid_from < {{ day_end(day) }}
                and history.known_from <= {{ known }}
                and (history.known_to is null or history.known_to > {{ known }})
        ) as newest
        where newest.as_of_rank = 1 and newest.is_present
        {%- endif %}
    )
{%- endmacro %}
