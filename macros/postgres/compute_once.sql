{#- Ends a CTE whose columns later steps use many times over. PostgreSQL would put each expression
    wherever its column is used and compute it as often; a limit clause, even an empty one, makes it
    compute the step as it stands. -#}
{% macro compute_once() -%}
    offset 0
{%- endmacro %}
