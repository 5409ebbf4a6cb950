{#- The words of a name, with hyphens between, that hold a digit: versions, sizes and generations. -#}
{% macro words_with_digits(name) -%}
    regexp_replace({{ name }}, '(^|-)[a-z]+(?=-|$)', '', 'g')
{%- endmacro %}
