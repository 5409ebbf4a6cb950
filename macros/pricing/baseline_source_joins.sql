{#- The joins with the organization's attributes and the policies that hold at the start of a usage, from
    the model's imports `organizations`, `own_policies` and `common_policies`. The organization's own
    policy wins over the one for all: take the first of the two that is not NULL. -#}
{% macro baseline_source_joins(usage) -%}
    left join organizations
        on
            {{ usage }}.organization_id = organizations.organization_id
            and {{ usage }}.start_time >= organizations.valid_from
            and {{ usage }}.start_time < organizations.valid_until
    left join own_policies
        on
            {{ usage }}.organization_id = own_policies.organization_id
            and {{ usage }}.start_time >= own_policies.valid_from
            and {{ usage }}.start_time < own_policies.valid_until
    left join common_policies
        on
            {{ usage }}.start_time >= common_policies.valid_from
            and {{ usage }}.start_time < common_policies.valid_until
{%- endmacro %}
