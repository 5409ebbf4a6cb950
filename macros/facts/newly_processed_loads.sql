{#- Subquery: the loads that the facts have processed since the bookmark of the model `this`, all of them where it has
    none. A model never runs ahead of the facts, so that a load is never marked as done before it is counted. -#}
{% macro newly_processed_loads() -%}
    select processed.load_id
    from {{ ref('int_processed_loads') }} as processed
    where processed.build_id > coalesce({{ bookmark_of(name_of_model()) }}, -1)
{%- endmacro %}
