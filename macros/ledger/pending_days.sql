{#- Subquery: the days that the facts changed in builds that `this` has not taken in, and that the models
    `after` have. `unit` says whose days: an organization's, or those of a provider, model and task type.
    An array, because a build that is pending is one of few: the planner compares every day with it once. -#}
{% macro pending_days(unit='organization', after=[]) -%}
    select distinct
        {%- for column in unit_columns(unit) %}
        touched.{{ column }},
        {%- endfor %}
        touched.metric_date
    from {{ ref('int_touched_' ~ unit ~ '_days') }} as touched
    where touched.invocation_id = any(array({{ pending_runs(after) }}))
{%- endmacro %}
