{#
    Sums cut into shares to the cent (largest remainder): every row gets its share rounded down, and the cents that are
    left over go to the rows that lost most by it. The shares of a group add up to its amount, whatever the weights.

    relation: rows with `group` (columns), `amounts` (columns, the same in all rows of a group), `weight` (an expression,
    1 in sum over a group) and `tie` (an expression). Result: the relation with <amount>_share.
#}
{% macro shared_out(relation, group, amounts, weight, tie) -%}
    {%- set groups = group | join(', ') %}
    select
        floored.*
        {%- for amount in amounts %},
        cast(
            {{ amount }}_floor
            + case
                when row_number() over (
                    partition by {{ groups }} order by {{ amount }}_exact - {{ amount }}_floor desc, {{ tie }}
                ) <= ({{ amount }} - sum({{ amount }}_floor) over (partition by {{ groups }})) * 100 then 0.01
                else 0
            end as decimal(18, 2)
        ) as {{ amount }}_share
        {%- endfor %}
    from (
        select
            exact.*
            {%- for amount in amounts %},
            cast(floor({{ amount }}_exact * 100) / 100 as decimal(18, 2)) as {{ amount }}_floor
            {%- endfor %}
        from (
            select
                weighed.*
                {%- for amount in amounts %},
                cast({{ amount }} as decimal(18, 2)) * cast({{ weight }} as decimal(12, 6)) as {{ amount }}_exact
                {%- endfor %}
            from {{ relation }} as weighed
        ) as exact
    ) as floored
{%- endmacro %}
