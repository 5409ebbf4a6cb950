{#- Subquery: the organization days that `collect_policy_days` listed. -#}
{% macro touched_policy_days() -%}
    select
        days.organization_id,
        days.metric_date
    from touched_policy_days as days
{%- endmacro %}
