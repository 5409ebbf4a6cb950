{#- Lateral joins after `price_joins`: what else decides the cost of a usage, each computed once. `factors`
    are those of `price_factors` with what they make of a rate per token (`per_token`) and of any other one
    (`per_unit`), `others` the `other_costs` with their sum. `prefix` as in `price_joins`; it stands before both.
    (`where true` is for the linter, which knows no offset without a clause before it.) -#}
{% macro price_lookups(usage, prefix) -%}
    cross join lateral (
        select {{ price_factors(usage, prefix) }} as price_factors
        where true {{ compute_once() }}
    ) as {{ prefix }}found_factors
    cross join lateral (
        select
            {{ prefix }}found_factors.price_factors,
            {{ price_factor(
                prefix ~ 'found_factors.price_factors', ['service_tier', 'region', 'hours', 'agreement']
            ) }} as per_token,
            {{ price_factor(prefix ~ 'found_factors.price_factors', ['agreement']) }} as per_unit,
            {{ other_costs(usage, prefix, prefix ~ 'found_factors.price_factors') }} as other_costs
        where true {{ compute_once() }}
    ) as {{ prefix }}factors
    cross join lateral (
        select
            coalesce({{ json_array_sum(prefix ~ 'factors.other_costs', 'cost_usd') }}, 0) as cost_usd
        where true {{ compute_once() }}
    ) as {{ prefix }}others
{%- endmacro %}
