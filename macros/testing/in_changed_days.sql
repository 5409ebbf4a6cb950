{#- Condition of a test: the row's organization and day have just been computed again. With the var `sweep`
    all rows are looked at, as every night; a build pays for what it changed. -#}
{% macro in_changed_days(model_name) -%}
    {%- if var('sweep') -%}
    true
    {%- else -%}
    (organization_id, metric_date) in ({{ changed_days(model_name) }})
    {%- endif -%}
{%- endmacro %}
