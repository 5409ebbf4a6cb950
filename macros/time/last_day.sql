{#- Last day of a period, from the column that names its kind and the one with its first day. -#}
{% macro last_day(aggregation_period, first_day) -%}
    cast(
            cast({{ first_day }} as timestamp)
            + case {{ aggregation_period }}
                when 'monthly' then interval '1 month'
                when 'weekly' then interval '7 days'
                else interval '1 day'
            end
            - interval '1 day'
            as date
        )
{%- endmacro %}
