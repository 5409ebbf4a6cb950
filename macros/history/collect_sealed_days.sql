{#- Statement of a full refresh that keeps sealed days, after `collect_rows`: an open week or month in which some of
    them lie begins with these. Each stands in `standing_rows` as a part of its week and of its month. -#}
{% macro collect_sealed_days(unit='organization') -%}
    {%- if refreshes_open_rows() -%}
    {%- set parts = {
        'aggregation_period': 'periods.aggregation_period',
        'metric_date': 'periods.first_day',
        'period_start': utc_midnight('periods.first_day'),
    } -%}
    insert into standing_rows ({{ model.columns | join(', ') }})
    select
        {%- for column in model.columns %}
        {{ parts.get(column, 'standing.' ~ column) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ this }} as standing
    {{ periods_of_days('standing', ['weekly', 'monthly']) }}
    {{ of_touched_periods('standing', unit) }}
    where standing.aggregation_period = 'daily';
    {%- endif -%}
{%- endmacro %}
