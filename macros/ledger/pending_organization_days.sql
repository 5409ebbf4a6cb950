{#- Subquery: the organization days that the facts changed in builds that `this` has not taken in, and
    that the model `after` has, when one is named. -#}
{% macro pending_organization_days(after=none) -%}
    select distinct
        touched.organization_id,
        touched.metric_date
    from {{ ref('int_touched_organization_days') }} as touched
    where
        {{ not_taken_in(this.identifier, 'run', 'touched.invocation_id') }}
        {%- if after %}
        and {{ taken_in(after, 'run', 'touched.invocation_id') }}
        {%- endif %}
{%- endmacro %}
