{#- A relation that stands in dbt's cache, and nowhere else, while history is sealed: whether a full refresh may
    replace a table must be known when a model is compiled, where nothing can be asked from the database
    without beginning the model's transaction too early. -#}
{% macro sealed_history() -%}
    {{ return(api.Relation.create(
        database=target.database, schema=generate_schema_name('intermediate', none),
        identifier='sealed_history', type='table'
    )) }}
{%- endmacro %}
