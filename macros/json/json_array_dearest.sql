{#- The object in a JSON array that has the largest value of one numeric field, of equals the first by
    provider and model; NULL when none has a value. -#}
{% macro json_array_dearest(column, field) -%}
    (
        select element.value
        from jsonb_array_elements({{ column }}) as element
        where element.value ->> '{{ field }}' is not null
        order by
            cast(element.value ->> '{{ field }}' as numeric) desc,
            element.value ->> 'provider' collate "C" asc,
            element.value ->> 'model' collate "C" asc
        limit 1
    )
{%- endmacro %}
