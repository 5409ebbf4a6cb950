{#- The smallest value of one numeric field over the objects of a JSON array; NULL when none has it. -#}
{% macro json_array_min(column, field) -%}
    (
        select cast(min(cast(element.value ->> '{{ field }}' as numeric)) as numeric(20, 12))
        from jsonb_array_elements({{ column }}) as element
    )
{%- endmacro %}
