{#- A lateral join, `lines`: the parts of an execution's cost, from a row of the facts with its
    `billed_tokens` and its row of the price book, as part, quantity, unit, usd_per_unit (factors in it),
    cost_usd and the row that the rate comes from. Tokens without a split stand in one line of their own. -#}
{% macro cost_lines(execution, price) -%}
    {%- set factors = execution ~ '.price_factors' -%}
    {%- set per_token = price_factor(factors, ['service_tier', 'region', 'hours', 'agreement']) -%}
    {%- set per_unit = price_factor(factors, ['agreement']) -%}
    cross join lateral (
            values
            (
                case
                    when {{ execution }}.billed_output_tokens is null then 'unsplit_tokens'
                    else 'uncached_input'
                end,
                cast({{ execution }}.billed_uncached_input_tokens as numeric(38, 12)),
                'token',
                {{ usd_per_token(price ~ '.input_usd_per_mtok') }} * {{ per_token }},
                {{ execution }}.uncached_input_cost_usd,
                {{ execution }}.price_id
            ),
            {%- for part in ['cached_input', 'cache_write', 'output'] %}
            (
                '{{ part }}',
                {{ execution }}.billed_{{ part }}_tokens,
                'token',
                {{ usd_per_token(price ~ '.' ~ part ~ '_usd_per_mtok') }} * {{ per_token }},
                {{ execution }}.{{ part }}_cost_usd,
                {{ execution }}.price_id
            ),
            {%- endfor %}
            (
                'request',
                {{ execution }}.request_count,
                'request',
                {{ price }}.usd_per_request * {{ per_unit }},
                {{ execution }}.request_cost_usd,
                {{ execution }}.price_id
            ),
            (
                'minute',
                cast({{ execution }}.duration_ms as numeric(28, 12)) / 60000,
                'minute',
                {{ price }}.usd_per_minute * {{ per_unit }},
                {{ execution }}.minute_cost_usd,
                {{ execution }}.price_id
            ),
            (
                'compute_unit',
                {{ execution }}.compute_units,
                'compute unit',
                {{ price }}.usd_per_compute_unit * {{ per_unit }},
                {{ execution }}.compute_unit_cost_usd,
                {{ execution }}.price_id
            )
    ) as lines (part, quantity, unit, usd_per_unit, cost_usd, price_id)
{%- endmacro %}
