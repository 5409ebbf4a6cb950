{#- First day of the period that a day lies in, of hours the day itself; weeks are those of ISO 8601. -#}
{% macro first_day(aggregation_period, day) -%}
    {%- if aggregation_period in ('hourly', 'daily') -%}
        {{ day }}
    {%- else -%}
        {%- set unit = {'weekly': 'week', 'monthly': 'month'}[aggregation_period] -%}
        cast(date_trunc('{{ unit }}', cast({{ day }} as timestamp)) as date)
    {%- endif -%}
{%- endmacro %}
