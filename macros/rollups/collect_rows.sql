{#- Statements of a rollup, after `collect_touched_periods`: copy from another rollup, or from the one that is
    being built, the rows of touched periods (`of='touched_periods'`), of all days of touched weeks and months
    (`period_days`), or of those of them that are added up again but not computed again (`standing_days`). -#}
{% macro collect_rows(name, relation, of, unit='organization') -%}
    {%- if is_incremental() -%}
    create temporary table {{ name }} on commit drop as
    select standing.*
    from {{ relation }} as standing
    {%- if of == 'touched_periods' %}
    inner join touched_periods as touched
        on
            {{ same_unit('standing', 'touched', unit) }}
            and standing.metric_date = touched.metric_date
            and standing.aggregation_period = touched.aggregation_period;
    {%- else %}
    inner join period_days as touched
        on
            {{ same_unit('standing', 'touched', unit) }}
            and standing.metric_date = touched.metric_date
            {%- if of == 'standing_days' %}
            and standing.aggregation_period = 'daily'
            and not touched.is_touched
            {%- endif %};
    {%- endif %}

    analyze {{ name }};
    {%- endif -%}
{%- endmacro %}
