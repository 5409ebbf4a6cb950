{#- Expression: a row of the price book, or of its history, as JSON with its numbers, also where they are encrypted. -#}
{% macro decrypted(row) -%}
    {{ function_schema() }}.decrypted(to_jsonb({{ row }}))
{%- endmacro %}
