{#- The policies under which every execution is compared, whichever is in force, each with the columns of a usage that
    say what it compares with (`_provider` and `_model`). -#}
{% macro baseline_policies_of_usage() -%}
    {{ return({
        'organization_default': 'organization_baseline',
        'decision_recorded': 'decision_baseline',
        'most_expensive_alternative': 'dearest_alternative',
        'fixed': 'fixed_baseline',
    }) }}
{%- endmacro %}
