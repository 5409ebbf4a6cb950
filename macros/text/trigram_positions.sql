{#- A set of the positions at which the trigrams of a name begin. -#}
{% macro trigram_positions(name) -%}
    generate_series(1, length({{ name }}) + 1)
{%- endmacro %}
