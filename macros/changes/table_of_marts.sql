{#- A relation of version 0.1 by its name: where the project builds one of this name now, and in the schema of the
    marts when it has none any more. -#}
{% macro table_of_marts(name) -%}
    {%- set schemas = graph.nodes.values()
        | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name)
        | map(attribute='schema') | list if execute else [] -%}
    {{ return(api.Relation.create(
        database=target.database, schema=(schemas + [generate_schema_name('marts', none)])[0],
        identifier=name, type='table'
    )) }}
{%- endmacro %}
