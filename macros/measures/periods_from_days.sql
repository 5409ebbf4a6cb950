{#- Query: days as they are, or added up to weeks or months: a unit's columns, the first and the last day, sums of
    columns by name and type, and of maps. From rows called `days`. -#}
{% macro periods_from_days(aggregation_period, unit, types, maps=[]) -%}
    {%- if aggregation_period == 'daily' -%}
    select
        *,
        metric_date as last_date
    from days
    {%- else -%}
    {%- set first = first_day(aggregation_period, 'days.metric_date') -%}
    select
        days.{{ unit | join(',\n        days.') }},
        {{ first }} as metric_date,
        {{ last_day("'" ~ aggregation_period ~ "'", first) }} as last_date,
        {{ sums('days', types) }}
        {%- for map in maps %},
        {{ function_schema() }}.sum_maps(days.{{ map }}) as {{ map }}
        {%- endfor %}
    from days
    group by
        days.{{ unit | join(',\n        days.') }},
        {{ first }}
    {%- endif -%}
{%- endmacro %}
