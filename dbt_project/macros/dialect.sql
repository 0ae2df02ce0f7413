{#
    Everything that differs between engines, and nothing else. default__ is DuckDB; another engine adds its
    own <engine>__ beside it. Models hold no `::`, qualify, JSON function, strftime or dbt.type_float().
#}

{% macro type_text() -%}{{ return(adapter.dispatch('type_text')()) }}{%- endmacro %}
{% macro default__type_text() -%}varchar{%- endmacro %}

{# dbt.type_float() is 32 bits on DuckDB and loses digits of money. #}
{% macro type_double() -%}{{ return(adapter.dispatch('type_double')()) }}{%- endmacro %}
{% macro default__type_double() -%}double{%- endmacro %}

{# A point in time; the session's zone is UTC on every engine. #}
{% macro type_timestamp_tz() -%}{{ return(adapter.dispatch('type_timestamp_tz')()) }}{%- endmacro %}
{% macro default__type_timestamp_tz() -%}timestamptz{%- endmacro %}

{# NULL where the value does not fit: one drifted column must not stop every mart. #}
{% macro try_cast(expression, type) -%}{{ return(adapter.dispatch('try_cast')(expression, type)) }}{%- endmacro %}
{% macro default__try_cast(expression, type) -%}try_cast({{ expression }} as {{ type }}){%- endmacro %}

{# Part `id` or `name` of a lookup. Works on a struct, and on a column that drifted to text. #}
{% macro lookup_part(expression, part) -%}
    {{ return(adapter.dispatch('lookup_part')(expression, part)) }}
{%- endmacro %}
{% macro default__lookup_part(expression, part) -%}
    struct_extract(try_cast({{ expression }} as struct(id varchar, name varchar)), '{{ part }}')
{%- endmacro %}

{# The business day of a point in time. #}
{% macro business_date(timestamp) -%}{{ return(adapter.dispatch('business_date')(timestamp)) }}{%- endmacro %}
{% macro default__business_date(timestamp) -%}
    cast(({{ timestamp }} at time zone '{{ var("business_timezone") }}') as date)
{%- endmacro %}

{# The point in time at which a business day begins. #}
{% macro business_midnight(day) -%}{{ return(adapter.dispatch('business_midnight')(day)) }}{%- endmacro %}
{% macro default__business_midnight(day) -%}
    (cast({{ day }} as timestamp) at time zone '{{ var("business_timezone") }}')
{%- endmacro %}

{# Whole days from one date to another. #}
{% macro days_between(first, last) -%}{{ return(adapter.dispatch('days_between')(first, last)) }}{%- endmacro %}
{% macro default__days_between(first, last) -%}date_diff('day', {{ first }}, {{ last }}){%- endmacro %}

{# Whole seconds from one point in time to another. #}
{% macro seconds_between(first, last) -%}{{ return(adapter.dispatch('seconds_between')(first, last)) }}{%- endmacro %}
{% macro default__seconds_between(first, last) -%}date_diff('second', {{ first }}, {{ last }}){%- endmacro %}

{# The date so many days later. #}
{% macro add_days(day, count) -%}{{ return(adapter.dispatch('add_days')(day, count)) }}{%- endmacro %}
{% macro default__add_days(day, count) -%}({{ day }} + cast({{ count }} as integer)){%- endmacro %}

{# The date so many months later; the last day of the month where it has no such day. #}
{% macro add_months(day, count) -%}{{ return(adapter.dispatch('add_months')(day, count)) }}{%- endmacro %}
{% macro default__add_months(day, count) -%}
    cast({{ day }} + to_months(cast({{ count }} as integer)) as date)
{%- endmacro %}

{# First day of the month or quarter of a date. #}
{% macro period_start(period, day) -%}{{ return(adapter.dispatch('period_start')(period, day)) }}{%- endmacro %}
{% macro default__period_start(period, day) -%}cast(date_trunc('{{ period }}', {{ day }}) as date){%- endmacro %}

{# Last day of the month or quarter that begins on a date. #}
{% macro period_end(period, first_day) -%}{{ return(adapter.dispatch('period_end')(period, first_day)) }}{%- endmacro %}
{% macro default__period_end(period, first_day) -%}
    cast({{ first_day }} + interval {{ {'month': 1, 'quarter': 3}[period] }} month - interval 1 day as date)
{%- endmacro %}

{# In a select list: one row per day, month or quarter between two dates, as its first day. No row if a date is NULL. #}
{% macro each_period(period, first, last) -%}{{ return(adapter.dispatch('each_period')(period, first, last)) }}{%- endmacro %}
{% macro default__each_period(period, first, last) -%}
    unnest(generate_series(
        cast(date_trunc('{{ period }}', {{ first }}) as timestamp),
        cast({{ last }} as timestamp),
        interval {{ {'day': '1 day', 'month': '1 month', 'quarter': '3 month'}[period] }}
    ))
{%- endmacro %}

{% macro median(expression) -%}{{ return(adapter.dispatch('median')(expression)) }}{%- endmacro %}
{% macro default__median(expression) -%}median({{ expression }}){%- endmacro %}

{# Type-7 quantile (linear between order statistics), computed in double. #}
{% macro quantile(expression, fraction) -%}{{ return(adapter.dispatch('quantile')(expression, fraction)) }}{%- endmacro %}
{% macro default__quantile(expression, fraction) -%}
    quantile_cont(cast({{ expression }} as {{ type_double() }}), {{ fraction }})
{%- endmacro %}

{# A text key over several parts; NULL and empty text hash alike. #}
{% macro surrogate_key(parts) -%}{{ return(adapter.dispatch('surrogate_key')(parts)) }}{%- endmacro %}
{% macro default__surrogate_key(parts) -%}
    md5(
        {%- for part in parts -%}
        coalesce(cast({{ part }} as {{ type_text() }}), ''){% if not loop.last %} || '|' || {% endif %}
        {%- endfor -%}
    )
{%- endmacro %}

{#
    The spelling two names must share to be the same thing: full-width forms are narrowed, spaces of every kind
    removed, case ignored. `ＧＴＸ　pro`, `GTXPro` and `GTX Pro` are one.
    Characters of the first list beyond the length of the second are deleted by translate.
#}
{% macro match_key(expression) -%}{{ return(adapter.dispatch('match_key')(expression)) }}{%- endmacro %}
{% macro default__match_key(expression) -%}
    {%- set wide = "！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～" -%}
    {%- set narrow = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~" -%}
    {%- set spaces = " \t\r\n\u00a0\u3000\u200b\ufeff" -%}
    {#- translate goes through both lists for each character: names without any of these go past it, ten times faster -#}
    case
        when regexp_matches({{ expression }}, '[{{ wide ~ spaces }}]')
            then lower(translate({{ expression }}, '{{ wide ~ spaces }}', '{{ narrow | replace("'", "''") }}'))
        else lower({{ expression }})
    end
{%- endmacro %}

{# Whether any table of a schema has, or had, a row. Asked of the engine when a model is built; costs a millisecond. #}
{% macro holds_rows(schema) -%}{{ return(adapter.dispatch('holds_rows')(schema)) }}{%- endmacro %}
{% macro default__holds_rows(schema) -%}
    {%- set tables = run_query(
        "select 1 from duckdb_tables() where schema_name = '" ~ schema ~ "' and estimated_size > 0 limit 1"
    ) %}
    {{- return(tables.rows | length > 0) }}
{%- endmacro %}

{# What pipelines/identity keeps of a personal value in place of it. key: the one row of its source hash_key. #}
{% macro keyed_hash(expression) -%}{{ return(adapter.dispatch('keyed_hash')(expression)) }}{%- endmacro %}
{% macro default__keyed_hash(expression) -%}
    sha256((select hash_key from {{ source('identity', 'hash_key') }}) || {{ expression }})
{%- endmacro %}

{# How alike two texts of ASCII are: 1 alike, 0 nothing in common. Of other texts some engines count bytes. #}
{% macro edit_similarity(one, other) -%}{{ return(adapter.dispatch('edit_similarity')(one, other)) }}{%- endmacro %}
{% macro default__edit_similarity(one, other) -%}
    (1 - levenshtein({{ one }}, {{ other }}) / nullif(cast(greatest(length({{ one }}), length({{ other }})) as {{ type_double() }}), 0))
{%- endmacro %}

{# How alike two texts are, 0 to 1 (Jaro-Winkler): a common beginning counts most. #}
{% macro text_similarity(one, other) -%}{{ return(adapter.dispatch('text_similarity')(one, other)) }}{%- endmacro %}
{% macro default__text_similarity(one, other) -%}jaro_winkler_similarity({{ one }}, {{ other }}){%- endmacro %}
