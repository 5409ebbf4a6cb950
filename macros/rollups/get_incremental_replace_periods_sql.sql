{#- Incremental strategy `replace_periods`: as `replace_days`, for a model that holds several kinds of
    periods: the touched days and the weeks and months in which they lie. -#}
{% macro get_incremental_replace_periods_sql(arg_dict) -%}
    {{ replace_touched(arg_dict, 'touched_periods', ['aggregation_period', 'metric_date']) }}
{%- endmacro %}
