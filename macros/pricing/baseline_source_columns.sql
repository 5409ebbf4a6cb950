{#- Columns: what an organization's attributes and a fixed policy offer to compare with, for
    `policy_baseline`. -#}
{% macro baseline_source_columns() -%}
    organizations.baseline_provider as organization_baseline_provider,
        organizations.baseline_model as organization_baseline_model,
        coalesce(own_fixed_policies.baseline_provider, common_fixed_policies.baseline_provider)
            as fixed_baseline_provider,
        coalesce(own_fixed_policies.baseline_model, common_fixed_policies.baseline_model)
            as fixed_baseline_model
{%- endmacro %}
