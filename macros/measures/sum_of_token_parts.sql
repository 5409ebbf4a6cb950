{#- The kinds of tokens of a row that may have prices of their own, together; what is missing counts as 0. -#}
{% macro sum_of_token_parts() -%}
    coalesce({{ token_parts() | join(', 0) + coalesce(') }}, 0)
{%- endmacro %}
