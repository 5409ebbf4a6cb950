{#- A join with `touched_days`: the executions of the touched days, which for organizations are those of
    their reporting time zone and for providers those of UTC. The facts have an index for each. A rollup that
    is built anew reads all of them. -#}
{% macro of_touched_days(executions, unit='organization') -%}
    {%- if is_incremental() -%}
    inner join touched_days
        on
            {{ same_unit(executions, 'touched_days', unit) }}
            {%- if unit == 'provider' %}
            and {{ executions }}.start_time >= {{ utc_midnight('touched_days.metric_date') }}
            and {{ executions }}.start_time < {{ utc_midnight('touched_days.metric_date + 1') }}
            {%- else %}
            and {{ executions }}.metric_date = touched_days.metric_date
            {%- endif %}
    {%- endif -%}
{%- endmacro %}
