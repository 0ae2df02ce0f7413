{#
    From the versions of a record to the intervals in which it stood as it did (slowly changing dimensions).

    Valid time is the source's stamp. Intervals are half-open, [valid_from, valid_to); an end that has not come is
    far_future(), so that a day is looked up by two comparisons and no `or … is null`.
#}

{% macro far_past() -%}date '1900-01-01'{%- endmacro %}
{% macro far_future() -%}date '9999-12-31'{%- endmacro %}

{# Every version of every record of every CRM: source_system, source_way, way_rank, `columns`, existed_at. #}
{% macro crm_versions(entity, keys_of, id, columns, references=[]) -%}
    {%- set stamps = ['modified_at', 'read_at', 'read_position', 'known_at', 'deleted_at'] %}
    {%- set all = ['source_org', id] + columns + stamps %}
    {%- for crm, ways in crm_ways().items() %}
    {% if ways | length == 1 -%}
    select
        known.*,
        read_at as existed_at
    from ({{ way_rows(crm, ways[0], 1, entity, all) }}) as known
    {%- else -%}
    {{ merged_versions(crm, ways, entity, keys_of, id, all, references, ['source_org', id] + stamps) }}
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#
    CTEs over a CTE of versions, of which `intervals` is the result: one row per record and interval in which the
    `tracked` columns stayed as they were.

    A version holds from its stamp on. Two exceptions, in which the stamp tells nothing: another content under the
    same stamp, and a record seen again after a deletion that is newer than its stamp; both hold from when we looked.
    Of several versions of one moment the last one read counts. A deletion ends an interval and begins none. Before the
    first version the record is taken to have been as that version shows it, back to its creation (or for ever, if it
    does not tell): valid_from is then before recorded_from, and evidence `assumed`.

    key: a list of columns. With the var as_of_date what came later is left out.
    Columns: key, tracked, valid_from, valid_to, recorded_from, is_current, known_from, evidence.
#}
{% macro history_intervals(versions, key, tracked) -%}
{%- set keys = key | join(', ') %}
looked_at as (
    select
        versions.*,
        coalesce(modified_at, created_at, existed_at) as stamped_at,
        {{ surrogate_key(tracked + ['deleted_at is null']) }} as state,
        max(deleted_at) over (
            partition by {{ keys }} order by existed_at, read_position rows between unbounded preceding and 1 preceding
        ) as gone_at
    from {{ versions }} as versions
),

restamped as (
    select
        looked_at.*,
        lag(stamped_at) over (in_order) as stamped_before,
        lag(state) over (in_order) as state_before
    from looked_at
    window in_order as (partition by {{ keys }} order by stamped_at, existed_at, way_rank desc, read_position)
),

moments as (
    select
        restamped.*,
        case
            when deleted_at is not null then deleted_at
            when gone_at >= stamped_at then greatest(existed_at, gone_at)
            when stamped_before = stamped_at and state_before <> state then greatest(existed_at, stamped_at)
            else stamped_at
        end as held_from
    from restamped
),

last_of_moment as (
    select
        moments.*,
        lead(held_from) over (in_order) as held_to
    from moments
    {%- if var('as_of_date') %}
    where {{ business_date('held_from') }} <= date '{{ var("as_of_date") }}'
    {%- endif %}
    window in_order as (partition by {{ keys }} order by held_from, existed_at, way_rank desc, read_position)
),

compared as (
    select
        last_of_moment.*,
        lag(state) over (partition by {{ keys }} order by held_from) as state_before_that
    from last_of_moment
    where held_to is null or held_to > held_from
),

changes as (
    select
        compared.*,
        lead(held_from) over (partition by {{ keys }} order by held_from) as changed_at,
        row_number() over (partition by {{ keys }} order by held_from) as change_number
    from compared
    where state_before_that is null or state_before_that <> state
),

intervals as (
    select
        {{ (key + tracked) | join(',\n        ') }},
        case
            when change_number > 1 then held_from
            when created_at is null then cast({{ far_past() }} as {{ type_timestamp_tz() }})
            else least(created_at, held_from)
        end as valid_from,
        coalesce(changed_at, cast({{ far_future() }} as {{ type_timestamp_tz() }})) as valid_to,
        held_from as recorded_from,
        changed_at is null as is_current,
        coalesce(known_at, read_at) as known_from,
        case
            when change_number = 1 and (created_at is null or created_at < held_from) then 'assumed' else 'recorded'
        end as evidence
    from changes
    where deleted_at is null
)
{%- endmacro %}

{# Stretches of days that touch or overlap, joined: one row per `keys`, from_day and to_day (half-open). #}
{% macro joined_stretches(relation, keys) -%}
    {%- set keys = keys | join(', ') %}
    select
        {{ keys }},
        min(from_day) as from_day,
        max(to_day) as to_day
    from (
        select
            after_others.*,
            sum(case when others_to_day >= from_day then 0 else 1 end) over (
                partition by {{ keys }} order by from_day, to_day rows between unbounded preceding and current row
            ) as stretch
        from (
            select
                days.*,
                max(to_day) over (
                    partition by {{ keys }} order by from_day, to_day rows between unbounded preceding and 1 preceding
                ) as others_to_day
            from {{ relation }} as days
            where from_day < to_day
        ) as after_others
    ) as numbered
    group by {{ keys }}, stretch
{%- endmacro %}
