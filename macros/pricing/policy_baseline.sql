{#- What a baseline policy compares a usage with: `attribute` is provider or model. The row carries the
    policy's own baseline (`fixed_`), its organization's, its decision's and that of the decision's
    dearest alternative. -#}
{% macro policy_baseline(policy, attribute) -%}
    case {{ policy }}
            when 'organization_default' then organization_baseline_{{ attribute }}
            when 'decision_recorded' then decision_baseline_{{ attribute }}
            when 'most_expensive_alternative' then dearest_alternative_{{ attribute }}
            when 'fixed' then fixed_baseline_{{ attribute }}
        end
{%- endmacro %}
