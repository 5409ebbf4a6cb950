{#- The joins with the organization's attributes and the policies that hold at the start of a usage, from
    the model's imports `organizations`, `own_policies` and `common_policies`; see `policy_joins`. -#}
{% macro baseline_source_joins(usage) -%}
    left join organizations
        on
            {{ usage }}.organization_id = organizations.organization_id
            and {{ usage }}.start_time >= organizations.valid_from
            and {{ usage }}.start_time < organizations.valid_until
    {{ policy_joins(usage) }}
{%- endmacro %}
