{#- Creates a schema unless it exists, also when another run creates it at the same moment: the runs
    take their turns only after dbt has made the schemas, and `if not exists` alone fails then. -#}
{% macro postgres__create_schema(relation) -%}
    {%- do adapter.verify_database(relation.database) -%}
    {%- call statement('create_schema') -%}
        do $create$
        begin
            create schema if not exists {{ relation.without_identifier().include(database=False) }};
        exception when unique_violation then
            null;
        end
        $create$
    {%- endcall -%}
{%- endmacro %}
