{#- Function in `from`: a row as it was before its numbers were encrypted; any other row as it is. `table` has its columns,
    a seed by its name: in unit tests the row comes from a query. -#}
{% macro decrypted(row, table) -%}
    {%- if table is string -%}
        {%- set table = api.Relation.create(
            target.database, generate_schema_name('reference', none), table, type='table'
        ) -%}
    {%- endif -%}
    jsonb_populate_record(cast(null as {{ table }}), {{ function_schema() }}.decrypted(to_jsonb({{ row }})))
{%- endmacro %}
