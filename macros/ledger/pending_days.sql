{#- Subquery: the days that the facts changed in builds that `this` has not taken in, and that the models
    `after` have. `unit` says whose days: an organization's, or those of a provider, model and task type. -#}
{% macro pending_days(unit='organization', after=[]) -%}
    select distinct
        {%- for column in unit_columns(unit) %}
        touched.{{ column }},
        {%- endfor %}
        touched.metric_date
    from {{ ref('int_touched_' ~ unit ~ '_days') }} as touched
    where
        {{ not_taken_in(this.identifier, 'run', 'touched.invocation_id') }}
        {%- for model_name in after %}
        and {{ taken_in(model_name, 'run', 'touched.invocation_id') }}
        {%- endfor %}
{%- endmacro %}
