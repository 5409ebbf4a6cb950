{#- Scalar subquery: the last build of the facts that a model holds; NULL where it has no bookmark. -#}
{% macro bookmark_of(model_name) -%}
    (select build_id from {{ ref('int_bookmarks') }} where model_name = '{{ model_name }}')
{%- endmacro %}
