{#- USD for everything that an execution used: the sum of its parts, each rounded by itself. `prices` is
    the alias of the row of `int_prices` that applies. -#}
{% macro total_cost_usd(usage, prices) -%}
    {{ usage_cost_usd(usage ~ '.billed_uncached_input_tokens', prices ~ '.input_usd_per_token') }}
        + {{ usage_cost_usd(usage ~ '.billed_cached_input_tokens', prices ~ '.cached_input_usd_per_token') }}
        + {{ usage_cost_usd(usage ~ '.billed_cache_write_tokens', prices ~ '.cache_write_usd_per_token') }}
        + {{ usage_cost_usd(usage ~ '.billed_output_tokens', prices ~ '.output_usd_per_token') }}
        + {{ usage_cost_usd(usage ~ '.request_count', prices ~ '.usd_per_request') }}
        + {{ minute_cost_usd(usage ~ '.duration_ms', prices ~ '.usd_per_minute') }}
        + {{ usage_cost_usd(usage ~ '.compute_units', prices ~ '.usd_per_compute_unit') }}
{%- endmacro %}
