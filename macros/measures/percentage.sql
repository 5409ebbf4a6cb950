{#- 100 times a part over a whole; NULL when the whole is 0. -#}
{% macro percentage(part, whole) -%}
    cast(cast(100 as numeric(3, 0)) * {{ part }} / nullif({{ whole }}, 0) as numeric(28, 6))
{%- endmacro %}
