{#- Condition: an execution lies between the first and the last moment that some of the changed prices concern: those for
    which a condition holds. Without any the facts are not read. -#}
{% macro lies_in_price_changes(are_such) -%}
    executions.start_time >= (select min(valid_from) from price_changes where {{ are_such }})
        and executions.start_time < (select max(valid_until) from price_changes where {{ are_such }})
{%- endmacro %}
