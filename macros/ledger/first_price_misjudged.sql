{#- Condition: a pricing status about the first price of a model that is no longer true of `executions`. -#}
{% macro first_price_misjudged(status, scopes) -%}
    (
                {{ status }} in ('before_first_price', 'no_price_for_model')
                and ({{ status }} = 'before_first_price')
                <> coalesce({{ scopes }}.first_price_from > executions.start_time, false)
            )
{%- endmacro %}
