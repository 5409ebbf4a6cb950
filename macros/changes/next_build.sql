{#- Scalar subquery: the number of the running build of the facts. It counts once it has moved a bookmark. -#}
{% macro next_build() -%}
    (select coalesce(max(build_id), 0) + 1 from {{ ref('int_bookmarks') }})
{%- endmacro %}
