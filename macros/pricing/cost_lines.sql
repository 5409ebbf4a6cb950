{#- A lateral join, `lines`: the parts of an execution's cost, from a row of the facts and its row of the
    price book, as part, quantity, unit, usd_per_unit and cost_usd. Tokens without a split stand in one line of their own. -#}
{% macro cost_lines(execution, price) -%}
    {%- set split = execution ~ '.input_tokens is not null and ' ~ execution ~ '.output_tokens is not null' -%}
    cross join lateral (
            values
            (
                case when {{ split }} then 'uncached_input' else 'unsplit_tokens' end,
                cast(
                    case
                        when {{ split }}
                            then
                                {{ execution }}.input_tokens
                                - coalesce({{ execution }}.cached_input_tokens, 0)
                                - coalesce({{ execution }}.cache_write_tokens, 0)
                        else {{ execution }}.tokens_used
                    end as numeric(38, 12)
                ),
                'token',
                {{ usd_per_token(price ~ '.input_usd_per_mtok') }},
                {{ execution }}.uncached_input_cost_usd
            ),
            {%- for part, rate in [
                ('cached_input', 'cached_input'), ('cache_write', 'cache_write'), ('output', 'output')
            ] %}
            (
                '{{ part }}',
                case when {{ split }} then {{ execution }}.{{ part }}_tokens end,
                'token',
                {{ usd_per_token(price ~ '.' ~ rate ~ '_usd_per_mtok') }},
                {{ execution }}.{{ part }}_cost_usd
            ),
            {%- endfor %}
            (
                'request',
                {{ execution }}.request_count,
                'request',
                {{ price }}.usd_per_request,
                {{ execution }}.request_cost_usd
            ),
            (
                'minute',
                cast({{ execution }}.duration_ms as numeric(28, 12)) / 60000,
                'minute',
                {{ price }}.usd_per_minute,
                {{ execution }}.minute_cost_usd
            ),
            (
                'compute_unit',
                {{ execution }}.compute_units,
                'compute unit',
                {{ price }}.usd_per_compute_unit,
                {{ execution }}.compute_unit_cost_usd
            )
    ) as lines (part, quantity, unit, usd_per_unit, cost_usd)
{%- endmacro %}
