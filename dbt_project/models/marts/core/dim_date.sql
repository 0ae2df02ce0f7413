{%- set fiscal_shift = (13 - var('fiscal_year_start_month') | int) % 12 %}

with days as (
    select cast({{ each_period('day', 'first_on', 'last_on') }} as date) as day
    from (
        select
            cast('{{ var("calendar_from") }}' as date) as first_on,
            {% if var('calendar_until') -%}
            cast('{{ var("calendar_until") }}' as date) as last_on
            {%- else -%}
            {{ add_days(period_start('year', add_months('as_of_date', 36)), -1) }} as last_on
            {%- endif %}
        from {{ ref('int_crm__as_of') }}
    ) as bounds
),

holidays as (
    select * from {{ ref('holidays_cn') }}
    where 'CN' = '{{ var("business_calendar") }}'
),

known_years as (
    select
        min(extract(year from day)) as first_year,
        max(extract(year from day)) as last_year
    from holidays
),

-- Of several organisations' files any one may tell; they should not disagree about a country's holidays.
own_days as (
    select
        day,
        max(day_type) as day_type,
        max(occasion) as occasion
    from {{ ref('stg_inputs__workdays') }}
    where coalesce(calendar, 'CN') = '{{ var("business_calendar") }}'
    group by day
),

festivals as (
    select * from {{ ref('spring_festivals') }}
),

-- Everything else is counted from a Monday, from the fiscal month and from the Thursday that names the ISO week.
counted as (
    select
        day,
        {{ days_between("cast('" ~ var('fortnight_anchor') ~ "' as date)", 'day') }} as anchor_days,
        {{ days_between("cast('2000-01-03' as date)", 'day') }} as monday_days,
        {{ add_months(period_start('month', 'day'), fiscal_shift) }} as fiscal_month_day
    from days
),

weekdays as (
    select
        counted.*,
        1 + (monday_days % 7 + 7) % 7 as weekday
    from counted
),

placed as (
    select
        weekdays.*,
        {{ add_days('day', '4 - weekday') }} as thursday,
        cast(floor(anchor_days / cast(14 as {{ type_double() }})) as integer) + 1 as fortnight_id
    from weekdays
),

judged as (
    select
        placed.*,
        case
            when own_days.day_type is not null then own_days.day_type = 'workday'
            when holidays.day_type is not null then holidays.day_type = 'workday'
            else placed.weekday <= 5
        end as is_working_day,
        case
            when own_days.day_type is not null then 'input'
            when extract(year from placed.day) between known_years.first_year and known_years.last_year
                then 'calendar'
            else 'weekday'
        end as working_day_evidence,
        case coalesce(own_days.day_type, holidays.day_type) when 'holiday' then holidays.occasion end as holiday_name,
        case coalesce(own_days.day_type, holidays.day_type)
            when 'holiday' then coalesce(own_days.occasion, holidays.occasion_zh)
        end as holiday_name_zh,
        case
            when abs({{ days_between('this_year.day', 'placed.day') }}) <= abs({{ days_between('next_year.day', 'placed.day') }})
                then this_year.day
            else next_year.day
        end as festival_day
    from placed
    cross join known_years
    left join own_days on own_days.day = placed.day
    left join holidays on holidays.day = placed.day
    left join festivals as this_year on this_year.festival_year = extract(year from placed.day)
    left join festivals as next_year on next_year.festival_year = extract(year from placed.day) + 1
),

numbered as (
    select
        judged.*,
        extract(year from fiscal_month_day) as fiscal_year,
        extract(quarter from fiscal_month_day) as fiscal_quarter,
        sum(case when is_working_day then 1 else 0 end) over (
            partition by {{ period_start('month', 'day') }} order by day
        ) as working_day_of_month,
        sum(case when is_working_day then 1 else 0 end) over (
            partition by {{ period_start('month', 'day') }}
        ) as working_days_in_month,
        sum(case when is_working_day then 1 else 0 end) over (
            partition by extract(year from fiscal_month_day), extract(quarter from fiscal_month_day) order by day
        ) as working_day_of_quarter,
        sum(case when is_working_day then 1 else 0 end) over (
            partition by extract(year from fiscal_month_day), extract(quarter from fiscal_month_day)
        ) as working_days_in_quarter
    from judged
)

select
    -- the civil calendar
    cast(day as date) as day,
    cast(extract(year from day) as integer) as calendar_year,
    cast(case when extract(month from day) <= 6 then 1 else 2 end as integer) as calendar_half,
    cast(extract(quarter from day) as integer) as calendar_quarter,
    cast(extract(month from day) as integer) as calendar_month,
    cast({{ period_start('month', 'day') }} as date) as month_start,
    cast({{ period_start('quarter', 'day') }} as date) as quarter_start,

    -- the fiscal calendar
    cast(fiscal_year as integer) as fiscal_year,
    cast(case when fiscal_quarter <= 2 then 1 else 2 end as integer) as fiscal_half,
    cast(fiscal_quarter as integer) as fiscal_quarter,
    cast(extract(month from fiscal_month_day) as integer) as fiscal_month,
    cast({{ add_months(period_start('quarter', 'fiscal_month_day'), -fiscal_shift) }} as date) as fiscal_quarter_start,
    cast({{ add_months(period_start('year', 'fiscal_month_day'), -fiscal_shift) }} as date) as fiscal_year_start,

    -- weeks
    cast(extract(year from thursday) as integer) as iso_year,
    cast(floor((extract(doy from thursday) - 1) / cast(7 as {{ type_double() }})) + 1 as integer) as iso_week,
    cast({{ add_days('day', '1 - weekday') }} as date) as week_start,
    cast(weekday as integer) as weekday,
    cast(fortnight_id as integer) as fortnight_id,
    cast(
        {{ add_days("cast('" ~ var('fortnight_anchor') ~ "' as date)", '(fortnight_id - 1) * 14') }} as date
    ) as fortnight_start,

    -- work and holidays
    cast(is_working_day as boolean) as is_working_day,
    cast(working_day_evidence <> 'weekday' as boolean) as is_working_day_certain,
    cast(working_day_evidence as {{ type_text() }}) as working_day_evidence,
    cast(is_working_day and weekday > 5 as boolean) as is_makeup_day,
    cast(holiday_name as {{ type_text() }}) as holiday_name,
    cast(holiday_name_zh as {{ type_text() }}) as holiday_name_zh,
    cast(working_day_of_month as integer) as working_day_of_month,
    cast(working_days_in_month as integer) as working_days_in_month,
    cast(working_day_of_quarter as integer) as working_day_of_fiscal_quarter,
    cast(working_days_in_quarter as integer) as working_days_in_fiscal_quarter,
    cast({{ days_between('festival_day', 'day') }} as integer) as spring_festival_offset_days,
    cast(extract(year from festival_day) as integer) as spring_festival_year
from numbered
