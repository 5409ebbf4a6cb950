{#- The join that finds the one price of a usage, or none. `usage` is the alias of rows with a provider, a
    `scope_key`, a start_time, input_tokens and a
    request_count (a threshold speaks of one request, so that of several requests the mean counts); `prefix` is none for what was used and `baseline_` for a
    baseline, and stands before the provider, the key and the import `prices`. -#}
{% macro price_joins(usage, prefix) -%}
    {%- set prices = prefix ~ 'prices' -%}
    left join {{ prices }}
        on
            {{ usage }}.{{ prefix }}provider = {{ prices }}.provider
            and {{ usage }}.{{ prefix }}scope_key = {{ prices }}.scope_key
            and {{ prices }}.valid_from <= {{ usage }}.start_time
            and {{ prices }}.valid_until > {{ usage }}.start_time
            and {{ prices }}.context_over_tokens * greatest({{ usage }}.request_count, 1)
            < coalesce({{ usage }}.input_tokens, 0)
            and (
                {{ prices }}.context_up_to_tokens * greatest({{ usage }}.request_count, 1)
                >= coalesce({{ usage }}.input_tokens, 0)
                or {{ prices }}.context_up_to_tokens is null
            )
{%- endmacro %}
