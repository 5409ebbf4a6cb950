{#- Expression: row-level security on a relation, with the policies and rights that its columns ask for, or what its
    configuration says in `meta`: `readers`, and `because` where rows are not of one organization. -#}
{% macro protect(relation, node=model) -%}
    {%- set meta = node.config.get('meta', {}) -%}
    access.protect(
        '{{ relation }}', '{{ meta.get('readers', '') }}', '{{ meta.get('because', '') | replace("'", "''") }}'
    )
{%- endmacro %}
