{#- Condition: a day of an organization lies in one of its periods. -#}
{% macro lies_in(days, periods) -%}
    {{ days }}.organization_id = {{ periods }}.organization_id
                and {{ days }}.metric_date between {{ periods }}.metric_date and {{ periods }}.last_date
{%- endmacro %}
