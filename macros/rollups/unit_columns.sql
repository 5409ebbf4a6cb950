{#- Columns that, with a day, name what a rollup computes again as a whole: the day of an organization, of one
    of its users, or of a provider's model and task type (in UTC). -#}
{% macro unit_columns(unit) -%}
    {{ return({
        'organization': ['organization_id'],
        'user': ['organization_id', 'user_id'],
        'provider': ['provider', 'model', 'task_type'],
    }[unit]) }}
{%- endmacro %}
