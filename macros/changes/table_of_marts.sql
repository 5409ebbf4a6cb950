{#- A relation of this name in the schema of the marts, which the project may no longer have. -#}
{% macro table_of_marts(name) -%}
    {{ return(api.Relation.create(
        database=target.database, schema=generate_schema_name('marts', none), identifier=name, type='table'
    )) }}
{%- endmacro %}
