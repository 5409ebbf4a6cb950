{#- The columns of `task_measures`, by name, of one relation. -#}
{% macro measures(relation) -%}
    {{ relation }}.{{ measure_names() | join(',\n        ' ~ relation ~ '.') }}
{%- endmacro %}
