-- Grain: one row per calendar day, with the periods that the rollups know.

{{ config(materialized='view') }}

with days as (

    select cast(series.day as date) as metric_date
    from
        generate_series(
            cast('{{ var("calendar_first_day") }}' as timestamp),
            cast('{{ var("calendar_last_day") }}' as timestamp),
            interval '1 day'
        ) as series (day)

),

final as (

    select
        metric_date,
        {{ first_day('weekly', 'metric_date') }} as first_day_of_week,
        {{ first_day('monthly', 'metric_date') }} as first_day_of_month,
        cast(extract(isoyear from metric_date) as integer) as iso_year,
        cast(extract(week from metric_date) as integer) as iso_week,
        cast(extract(isodow from metric_date) as integer) as iso_day_of_week,
        cast(extract(year from metric_date) as integer) as calendar_year,
        cast(extract(quarter from metric_date) as integer) as calendar_quarter,
        cast(extract(month from metric_date) as integer) as calendar_month
    from days

)

select * from final
