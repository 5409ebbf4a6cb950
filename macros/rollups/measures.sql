{#- The columns of `task_measures`, by name, of one relation. -#}
{% macro measures(relation) -%}
    {%- for name in measure_names() %}
        {{- relation }}.{{ name }}{{ ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
