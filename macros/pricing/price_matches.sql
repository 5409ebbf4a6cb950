{#- Join condition: the one price of `int_prices` for an execution whose price scopes carry `prefix`. -#}
{% macro price_matches(prices, usage, prefix) -%}
    {{ prices }}.provider = {{ usage }}.{{ prefix }}provider
            and {{ prices }}.model_scope = {{ usage }}.{{ prefix }}model_scope
            and {{ prices }}.task_type_scope = {{ usage }}.{{ prefix }}task_type_scope
            and {{ prices }}.service_tier_scope = {{ usage }}.{{ prefix }}service_tier_scope
            and {{ prices }}.organization_scope = {{ usage }}.{{ prefix }}organization_scope
            and {{ prices }}.valid_from <= {{ usage }}.start_time
            and {{ prices }}.valid_until > {{ usage }}.start_time
            and {{ prices }}.context_over_tokens < coalesce({{ usage }}.input_tokens, 0)
            and (
                {{ prices }}.context_up_to_tokens >= coalesce({{ usage }}.input_tokens, 0)
                or {{ prices }}.context_up_to_tokens is null
            )
{%- endmacro %}
