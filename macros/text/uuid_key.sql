{#- A key from several columns, as `surrogate_key`, in the 16 bytes of a UUID. -#}
{% macro uuid_key(columns) -%}
    cast({{ surrogate_key(columns) }} as uuid)
{%- endmacro %}
