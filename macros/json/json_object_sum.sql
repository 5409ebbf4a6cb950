{#- The sum of the numbers of a JSON object, to 12 places each; NULL when there are none. -#}
{% macro json_object_sum(object) -%}
    (
        select sum(cast(entries.value as numeric(28, 12)))
        from jsonb_each_text({{ object }}) as entries
    )
{%- endmacro %}
