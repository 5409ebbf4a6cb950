{#- USD for everything that an execution used, at one row of `int_prices`, as the sum of its parts. -#}
{% macro usage_cost_usd(prices, usage) -%}
    {{ token_cost_usd(usage ~ '.uncached_input_tokens', prices ~ '.input_usd_per_mtok') }}
        + {{ token_cost_usd(usage ~ '.cached_input_tokens', prices ~ '.cached_input_usd_per_mtok') }}
        + {{ token_cost_usd(usage ~ '.cache_write_tokens', prices ~ '.cache_write_usd_per_mtok') }}
        + {{ token_cost_usd(usage ~ '.output_tokens', prices ~ '.output_usd_per_mtok') }}
        + {{ unit_cost_usd(usage ~ '.request_count', prices ~ '.usd_per_request') }}
        + {{ unit_cost_usd(usage ~ '.duration_minutes', prices ~ '.usd_per_minute') }}
        + {{ unit_cost_usd(usage ~ '.compute_units', prices ~ '.usd_per_compute_unit') }}
{%- endmacro %}
