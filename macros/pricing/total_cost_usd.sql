{#- USD for everything that an execution used: the sum of its parts, each rounded by itself. `prices` is
    the alias of the row of `int_prices` that applies, `factors` of the row with `per_token` and `per_unit`, and
    `other_cost_usd` what is priced by rows of its own. -#}
{% macro total_cost_usd(usage, prices, factors, other_cost_usd) -%}
    {%- for part in ['uncached_input', 'cached_input', 'cache_write', 'output'] -%}
    {{ usage_cost_usd(
            usage ~ '.billed_' ~ part ~ '_tokens',
            prices ~ '.' ~ ('input' if part == 'uncached_input' else part) ~ '_usd_per_token',
            factors ~ '.per_token'
        ) }}
        + {% endfor -%}
    {{ usage_cost_usd(usage ~ '.request_count', prices ~ '.usd_per_request', factors ~ '.per_unit') }}
        + {{ minute_cost_usd(usage ~ '.duration_ms', prices ~ '.usd_per_minute', factors ~ '.per_unit') }}
        + {{ usage_cost_usd(usage ~ '.compute_units', prices ~ '.usd_per_compute_unit', factors ~ '.per_unit') }}
        + coalesce({{ other_cost_usd }}, 0)
{%- endmacro %}
