{#- The day on which an execution counts for a unit: an organization's in its reporting time zone, a provider's in
    UTC. -#}
{% macro day_of(relation, unit) -%}
    {{- local_date(relation ~ '.start_time', "'UTC'") if unit == 'provider' else relation ~ '.metric_date' -}}
{%- endmacro %}
