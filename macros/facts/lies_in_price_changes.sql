{#- Condition: an execution lies between the first and the last moment that some of the changed prices concern. Without
    any the facts are not read. -#}
{% macro lies_in_price_changes(condition) -%}
    executions.start_time >= (select min(price_changes.valid_from) from price_changes where price_changes.{{ condition }})
        and executions.start_time < (select max(price_changes.valid_until) from price_changes where price_changes.{{ condition }})
{%- endmacro %}
