{#- Columns that, with a day, name what a rollup is about: an organization, or a provider's model and task type, whose
    days are those of UTC. -#}
{% macro unit_columns(unit) -%}
    {{ return({
        'organization': ['organization_id'],
        'provider': ['provider', 'model', 'task_type'],
    }[unit]) }}
{%- endmacro %}
