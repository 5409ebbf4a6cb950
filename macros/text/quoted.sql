{#- A text as a literal. -#}
{% macro quoted(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text | string)) }}
{%- endmacro %}
