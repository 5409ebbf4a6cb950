{#- Condition: a row's day is compared in this build, as listed in `compared_days`; where everything is compared, every
    day that is open. What is sealed is final, and its details leave. -#}
{% macro in_compared_days(relation, unit='organization') -%}
    {%- if compares_changes() -%}
    exists (
            select 1
            from compared_days
            where
                {{ same_unit(relation, 'compared_days', unit) }}
                and {{ relation }}.metric_date = compared_days.metric_date
        )
    {%- else -%}
    {{ is_open(relation, relation ~ '.metric_date', unit) }}
    {%- endif -%}
{%- endmacro %}
