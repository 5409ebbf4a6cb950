{#- Statement of a rollup, after its days were collected: sealed days are not computed again. The executions of
    some still stand in the facts, because their day in UTC is open. -#}
{% macro spare_sealed_days(unit='organization') -%}
    delete from touched_days
    where not ({{ is_open('touched_days', 'touched_days.metric_date', unit) }});
{%- endmacro %}
