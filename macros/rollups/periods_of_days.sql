{#- A lateral join, `periods`: the periods of these kinds in which a day lies, as aggregation_period and
    first_day; in an incremental build only the touched ones, because the days of others are not all at
    hand. -#}
{% macro periods_of_days(days, aggregation_periods, unit='organization') -%}
    cross join lateral (
            values
            {%- for aggregation_period in aggregation_periods %}
            (
                '{{ aggregation_period }}',
                {{ first_day(aggregation_period, days ~ '.metric_date') }}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ) as periods (aggregation_period, first_day)
    {%- if is_incremental() %}
    inner join touched_periods
        on
            {{ same_unit(days, 'touched_periods', unit) }}
            and periods.aggregation_period = touched_periods.aggregation_period
            and periods.first_day = touched_periods.metric_date
    {%- endif -%}
{%- endmacro %}
