{#- The largest value of a numeric field over the objects of a JSON array that name a provider and a
    model; an object without a model names none. NULL when no object does. -#}
{% macro json_array_estimate(column, provider, model, field) -%}
    (
        select cast(max(cast(element.value ->> '{{ field }}' as numeric)) as numeric(20, 12))
        from jsonb_array_elements({{ column }}) as element
        where
            element.value ->> 'provider' = {{ provider }}
            and coalesce(element.value ->> 'model', '') = coalesce({{ model }}, '')
    )
{%- endmacro %}
