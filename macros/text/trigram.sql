{#- Three neighbouring characters of a name, in lower case, with blanks before and after it. -#}
{% macro trigram(name, position) -%}
    substr('  ' || lower({{ name }}) || ' ', {{ position }}, 3)
{%- endmacro %}
