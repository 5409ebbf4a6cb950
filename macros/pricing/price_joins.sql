{#- The joins that find the one price of a usage, or none. `usage` is the alias of rows of
    `int_execution_usages`; `prefix` is none for what was used and `baseline_` for a baseline, and stands
    before the usage's provider and model and before the imports `price_names`, `price_providers` and
    `prices`. What the price book does not name falls under its `*`. -#}
{% macro price_joins(usage, prefix) -%}
    {%- set names, providers, prices = prefix ~ 'price_names', prefix ~ 'price_providers', prefix ~ 'prices' -%}
    left join {{ names }}
        on
            {{ usage }}.{{ prefix }}provider = {{ names }}.provider
            and {{ usage }}.{{ prefix }}model = {{ names }}.name
    left join {{ providers }} on {{ usage }}.{{ prefix }}provider = {{ providers }}.provider
    left join {{ prices }}
        on
            {{ prices }}.provider = {{ usage }}.{{ prefix }}provider
            and {{ prices }}.model_scope = coalesce({{ names }}.model_scope, '*')
            and {{ prices }}.task_type_scope = case
                when {{ json_array_holds(providers ~ '.task_types', usage ~ '.task_type') }}
                    then {{ usage }}.task_type
                else '*'
            end
            and {{ prices }}.service_tier_scope = case
                when {{ json_array_holds(providers ~ '.service_tiers', usage ~ '.service_tier') }}
                    then {{ usage }}.service_tier
                else '*'
            end
            and {{ prices }}.organization_scope = case
                when {{ json_array_holds(providers ~ '.organization_ids', 'cast(' ~ usage ~ '.organization_id as text)') }}
                    then cast({{ usage }}.organization_id as text)
                else '*'
            end
            and {{ prices }}.valid_from <= {{ usage }}.start_time
            and {{ prices }}.valid_until > {{ usage }}.start_time
            and {{ prices }}.context_over_tokens < coalesce({{ usage }}.input_tokens, 0)
            and (
                {{ prices }}.context_up_to_tokens >= coalesce({{ usage }}.input_tokens, 0)
                or {{ prices }}.context_up_to_tokens is null
            )
{%- endmacro %}
