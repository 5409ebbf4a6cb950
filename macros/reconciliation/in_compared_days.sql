{#- Condition: a row's day is compared in this build, as listed in `touched_days`; in a sweep and in a full refresh
    every day that is open. What is sealed is final, and its details leave. -#}
{% macro in_compared_days(relation, unit='organization') -%}
    {%- if is_incremental() -%}
    exists (
            select 1
            from touched_days
            where
                {{ same_unit(relation, 'touched_days', unit) }}
                and {{ relation }}.metric_date = touched_days.metric_date
        )
    {%- else -%}
    {{ is_open(relation, relation ~ '.metric_date', unit) }}
    {%- endif -%}
{%- endmacro %}
