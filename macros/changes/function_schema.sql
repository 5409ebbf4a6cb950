{#- The schema of the functions on maps, beside the marts. -#}
{% macro function_schema() -%}
    {{ return(adapter.quote(generate_schema_name('marts', none))) }}
{%- endmacro %}
