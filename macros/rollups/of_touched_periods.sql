{#- A join with the touched weeks and months, after `periods_of_days`: of the periods of days only those. The
    last condition repeats the kinds, so that days meet a unit's few weeks and months and not all of its
    touched days as well. A rollup that is built anew computes all of them. -#}
{% macro of_touched_periods(days, unit='organization') -%}
    {%- if is_incremental() -%}
    inner join touched_periods
        on
            {{ same_unit(days, 'touched_periods', unit) }}
            and periods.aggregation_period = touched_periods.aggregation_period
            and periods.first_day = touched_periods.metric_date
            and touched_periods.aggregation_period in ('weekly', 'monthly')
    {%- endif -%}
{%- endmacro %}
