{#- A lateral join, `periods`: the periods of these kinds in which a day lies, as aggregation_period and
    first_day. -#}
{% macro periods_of_days(days, aggregation_periods) -%}
    cross join lateral (
            values
            {%- for aggregation_period in aggregation_periods %}
            (
                '{{ aggregation_period }}',
                {{ first_day(aggregation_period, days ~ '.metric_date') }}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ) as periods (aggregation_period, first_day)
{%- endmacro %}
