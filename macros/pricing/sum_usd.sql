{#- Sum of a money column as numeric(28, 12), 0 when there is nothing to add; with a condition, only of
    the rows that meet it. Unknown amounts are not in it: every rollup counts them beside it. -#}
{% macro sum_usd(amount, condition=none) -%}
    cast(
            coalesce(sum({{ amount }}){{ " filter (where " ~ condition ~ ")" if condition }}, 0)
            as numeric(28, 12)
        )
{%- endmacro %}
