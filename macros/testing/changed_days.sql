{#- Subquery: the organization days that the model of this name has just computed again. -#}
{% macro changed_days(model_name) -%}
    select
        touched.organization_id,
        touched.metric_date
    from {{ ref('int_touched_organization_days') }} as touched
    where touched.invocation_id in ({{ last_taken_in(model_name, 'run') }})
{%- endmacro %}
