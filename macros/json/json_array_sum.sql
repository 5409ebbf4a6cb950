{#- The sum of one numeric field over the objects of a JSON array; NULL when the array is. -#}
{% macro json_array_sum(column, field) -%}
    case
            when {{ column }} is not null then (
                select sum(cast(element.value ->> '{{ field }}' as numeric))
                from jsonb_array_elements({{ column }}) as element
            )
        end
{%- endmacro %}
