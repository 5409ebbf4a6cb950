{#- Statements of a rollup, after `collect_touched_days`: list in `touched_periods` the touched days and the
    weeks and months in which they lie. `shortest` are the kinds of periods that are computed from the
    facts. -#}
{% macro collect_touched_periods(unit='organization', shortest=['daily']) -%}
    {%- if is_incremental() -%}
    create temporary table touched_periods on commit drop as
    {%- for aggregation_period in shortest + ['weekly', 'monthly'] %}
    select distinct
        {{ unit_columns(unit) | join(', ') }},
        '{{ aggregation_period }}' as aggregation_period,
        {{ first_day(aggregation_period, 'metric_date') }} as metric_date
    from touched_days
    {{ 'union all' if not loop.last }}
    {%- endfor %};

    analyze touched_periods;
    {%- endif -%}
{%- endmacro %}
