{#- Condition with its `where`: days from the first to the last of all touched periods. It spares a rollup the
    days before, of which there are more every year, where it joins the rest by hashing. -#}
{% macro around_touched_periods() -%}
    {%- if is_incremental() -%}
    where
        metric_date >= (select min(touched_periods.metric_date) from touched_periods)
        and metric_date <= (
            select max({{ last_day('touched_periods.aggregation_period', 'touched_periods.metric_date') }})
            from touched_periods
        )
    {%- endif -%}
{%- endmacro %}
