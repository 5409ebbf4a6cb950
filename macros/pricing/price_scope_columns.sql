{#- Columns: under what a usage stands in the price book, and whether a factor may apply to it. What the book does not name falls under its `*`;
    one key of all scopes, because of several columns the planner cannot tell how few rows share them,
    and computed before the join, because it would count the work once for every price. -#}
{% macro price_scope_columns(usage, prefix) -%}
    {%- set names, providers = prefix ~ 'price_names', prefix ~ 'price_providers' -%}
    coalesce({{ names }}.price_model, {{ usage }}.{{ prefix }}model) as {{ prefix }}price_model,
        {{ names }}.first_price_from as {{ prefix }}first_price_from,
        coalesce({{ names }}.model_scope, '*')
        || '|' || case
            when {{ json_array_holds(providers ~ '.task_types', usage ~ '.task_type') }}
                then {{ usage }}.task_type
            else '*'
        end
        || '|' || case
            when {{ json_array_holds(providers ~ '.service_tiers', usage ~ '.price_tier') }}
                then {{ usage }}.price_tier
            else '*'
        end
        || '|' || case
            when {{ json_array_holds(
                providers ~ '.organization_ids', 'cast(' ~ usage ~ '.organization_id as text)'
            ) }}
                then cast({{ usage }}.organization_id as text)
            else '*'
        end as {{ prefix }}scope_key,
        {{ usage }}.price_tier <> 'standard'
        or {{ usage }}.region is not null
        or coalesce({{ providers }}.has_standing_factors, false) as {{ prefix }}may_have_factors
{%- endmacro %}
