{#- The joins with the policies that hold at the start of a usage, from the model's imports `own_policies` and
    `common_policies`, or others of a `kind` that stands before `policies`. The organization's own policy wins over
    the one for all: take the first of the two that is not NULL. -#}
{% macro policy_joins(usage, kind='') -%}
    left join own_{{ kind }}policies
        on
            {{ usage }}.organization_id = own_{{ kind }}policies.organization_id
            and {{ usage }}.start_time >= own_{{ kind }}policies.valid_from
            and {{ usage }}.start_time < own_{{ kind }}policies.valid_until
    left join common_{{ kind }}policies
        on
            {{ usage }}.start_time >= common_{{ kind }}policies.valid_from
            and {{ usage }}.start_time < common_{{ kind }}policies.valid_until
{%- endmacro %}
