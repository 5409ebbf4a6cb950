{#- Statements of a rollup, after `collect_touched_periods`: copy from another rollup, or from the one that is
    being built, the rows of the touched periods as they stand. -#}
{% macro collect_rows(name, relation, unit='organization', columns=['*']) -%}
    {%- if is_incremental() -%}
    create temporary table {{ name }} on commit drop as
    select
        {%- for column in columns %}
        standing.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }} as standing
    inner join touched_periods as touched
        on
            {{ same_unit('standing', 'touched', unit) }}
            and standing.metric_date = touched.metric_date
            and standing.aggregation_period = touched.aggregation_period;

    analyze {{ name }};
    {%- endif -%}
{%- endmacro %}
