{#- The columns of a baseline policy that change what something is compared with. -#}
{% macro baseline_policy_columns() -%}
    {{ return([
        'policy', 'organization_id', 'baseline_provider', 'baseline_model',
        utc_text('effective_from'), utc_text('effective_until'), utc_text('recorded_at'),
    ]) }}
{%- endmacro %}
