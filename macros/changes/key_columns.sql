{#- The columns of the unique constraint that the contract of the model at hand names. -#}
{% macro key_columns() -%}
    {%- set keys = model.constraints | selectattr('type', 'equalto', 'unique') | list -%}
    {{ return(keys[0]['columns']) }}
{%- endmacro %}
