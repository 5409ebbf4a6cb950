{#- The schema of the functions on maps, which is that of the marts. -#}
{% macro function_schema() -%}
    {{ return('"' ~ generate_schema_name('marts', none) ~ '"') }}
{%- endmacro %}
