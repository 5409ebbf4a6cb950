{#- The joins with the policies that hold at the start of a usage, from the model's imports `own_policies` and
    `common_policies`. The organization's own policy wins over the one for all: take the first of the two
    that is not NULL. -#}
{% macro policy_joins(usage) -%}
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
