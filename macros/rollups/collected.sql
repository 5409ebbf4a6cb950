{#- What the hooks of a rollup have copied under this name, or the whole relation when the rollup is built
    anew. -#}
{% macro collected(name, relation) -%}
    {{ name if is_incremental() else relation }}
{%- endmacro %}
