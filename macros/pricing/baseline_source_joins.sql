{#- The joins with the organization's attributes and the policies that hold at the start of a usage, the one in force and
    the fixed one, from the model's imports `organizations`, `own_policies`, `common_policies`,
    `own_fixed_policies` and `common_fixed_policies`; see `policy_joins`. -#}
{% macro baseline_source_joins(usage) -%}
    left join organizations
        on
            {{ usage }}.organization_id = organizations.organization_id
            and {{ usage }}.start_time >= organizations.valid_from
            and {{ usage }}.start_time < organizations.valid_until
    {{ policy_joins(usage) }}
    {{ policy_joins(usage, 'fixed_') }}
{%- endmacro %}
