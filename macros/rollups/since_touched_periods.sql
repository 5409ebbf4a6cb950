{#- Condition with its `where`: days since the first of all touched periods. It spares a rollup the days before,
    of which there are more every year. What follows the last touched period is little, and of a condition
    with two ends the planner expects so few rows that it sorts where it had better hash. -#}
{% macro since_touched_periods() -%}
    {%- if is_incremental() -%}
    where metric_date >= (select min(touched_periods.metric_date) from touched_periods)
    {%- endif -%}
{%- endmacro %}
