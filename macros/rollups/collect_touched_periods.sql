{#- Statements of a rollup, after `collect_touched_days`: list in `touched_periods` the touched days and the
    weeks and months in which they lie. `shortest` are the kinds of periods that are computed from the
    facts. A full refresh that keeps sealed days adds the open weeks and months in which some of them lie. -#}
{% macro collect_touched_periods(unit='organization', shortest=['daily']) -%}
    {%- if is_incremental() -%}
    create temporary table touched_periods on commit drop as
    {%- for aggregation_period in shortest + ['weekly', 'monthly'] %}
    select distinct
        {{ unit_columns(unit) | join(', ') }},
        '{{ aggregation_period }}' as aggregation_period,
        {{ first_day(aggregation_period, 'metric_date') }} as metric_date
    from touched_days
    {%- if refreshes_open_rows() and aggregation_period in ('weekly', 'monthly') %}
    union
    select
        {{ unit_columns(unit) | join(', ') }},
        '{{ aggregation_period }}' as aggregation_period,
        {{ first_day(aggregation_period, 'metric_date') }} as metric_date
    from {{ this }} as standing
    where
        aggregation_period = 'daily'
        and {{ is_open(
            'standing',
            last_day("'" ~ aggregation_period ~ "'", first_day(aggregation_period, 'metric_date')),
            unit
        ) }}
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %};

    analyze touched_periods;
    {%- endif -%}
{%- endmacro %}
