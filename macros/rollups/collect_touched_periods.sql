{#- Statements of a rollup, after `collect_touched_days`: list in `touched_periods` the touched days and the
    weeks and months in which they lie, and in `period_days` all days of those weeks and months. `shortest`
    are the kinds of periods that are computed from the facts. A full refresh that keeps sealed days adds up
    the open weeks and months in which some of them lie. -#}
{% macro collect_touched_periods(unit='organization', shortest=['daily']) -%}
    {%- if is_incremental() -%}
    {%- set keys = unit_columns(unit) | join(', ') -%}
    create temporary table touched_periods on commit drop as
    {%- for aggregation_period in shortest + ['weekly', 'monthly'] %}
    select distinct
        {{ keys }},
        '{{ aggregation_period }}' as aggregation_period,
        {{ first_day(aggregation_period, 'metric_date') }} as metric_date
    from touched_days
    {%- if refreshes_open_rows() and aggregation_period in ('weekly', 'monthly') %}
    union
    select
        {{ keys }},
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

    create temporary table period_days on commit drop as
    with days as (
        select
            {{ keys }},
            metric_date,
            true as is_touched
        from touched_days
        union all
        select
            {{ keys }},
            cast(days.day as date) as metric_date,
            false as is_touched
        from touched_periods
        cross join lateral generate_series(
            cast(metric_date as timestamp),
            cast({{ last_day('aggregation_period', 'metric_date') }} as timestamp),
            interval '1 day'
        ) as days (day)
        where aggregation_period in ('weekly', 'monthly')
    )
    select
        {{ keys }},
        metric_date,
        bool_or(is_touched) as is_touched
    from days
    group by {{ keys }}, metric_date;

    analyze touched_periods;
    analyze period_days;
    {%- endif -%}
{%- endmacro %}
