{#- Sum of a column over the executions of a group, or over those of them for which a condition holds, each with its
    sign; 0 where all are unknown. -#}
{% macro sum_signed(column, type='numeric(28, 12)', condition=none) -%}
    cast(
            coalesce(
                sum(executions.sign * {{ column }}){{ ' filter (where ' ~ condition ~ ')' if condition }}, 0
            ) as {{ type }}
        )
{%- endmacro %}
