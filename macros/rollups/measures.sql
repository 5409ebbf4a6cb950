{#- The columns of `task_measures`, by name, of one relation; with the sign `-` each negated. -#}
{% macro measures(relation, sign='') -%}
    {%- for name in measure_names() %}
        {{- sign }}{{ relation }}.{{ name }}{{ ' as ' ~ name if sign }}{{ ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
