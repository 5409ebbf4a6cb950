{#- Lateral join after `price_joins`: what else decides the cost of a usage, each computed once: the `price_factors`, what
    they make of a rate per token (`per_token`) and of any other one (`per_unit`), and the `other_costs` with
    their sum (`other_cost_usd`). `prefix` as in `price_joins`; it stands before `factors` as well. One join, because each
    carries all columns of the usage along. (`where true` is for the linter, which knows no offset without a
    clause before it.) -#}
{% macro price_lookups(usage, prefix) -%}
    cross join lateral (
        select
            costs.*,
            coalesce({{ json_array_sum('costs.other_costs', 'cost_usd') }}, 0) as other_cost_usd
        from (
            select
                applied.price_factors,
                {{ price_factor('applied.price_factors', ['service_tier', 'region', 'hours', 'agreement']) }}
                    as per_token,
                {{ price_factor('applied.price_factors', ['agreement']) }} as per_unit,
                {{ other_costs(usage, prefix, 'applied.price_factors') }} as other_costs
            from (
                select {{ price_factors(usage, prefix) }} as price_factors
                where true {{ compute_once() }}
            ) as applied
            {{ compute_once() }}
        ) as costs
        {{ compute_once() }}
    ) as {{ prefix }}factors
{%- endmacro %}
