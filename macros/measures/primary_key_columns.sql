{#- The columns of the primary key that the contract of the model at hand names. -#}
{% macro primary_key_columns() -%}
    {%- set keys = model.constraints | selectattr('type', 'equalto', 'primary_key') | list -%}
    {{ return(keys[0]['columns']) }}
{%- endmacro %}
