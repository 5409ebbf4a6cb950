{#- A number out of JSON, exact: the value itself, or one field of an object. -#}
{% macro json_number(value, type, field=none) -%}
    cast({{ value }} {{ "->> '" ~ field ~ "'" if field else "#>> '{}'" }} as {{ type }})
{%- endmacro %}
