{#- Subquery: the organization days that the facts changed in builds that `this` has not taken in. -#}
{% macro pending_organization_days() -%}
    select distinct
        touched.organization_id,
        touched.metric_date
    from {{ ref('int_touched_organization_days') }} as touched
    where {{ not_taken_in(this.identifier, 'run', 'touched.invocation_id') }}
{%- endmacro %}
