{#- The columns of a relation, as dbt asks for them several times for each table. Its own query reads the view
    `information_schema.columns`, which takes thirty times as long. -#}
{% macro postgres__get_columns_in_relation(relation) -%}
    {%- call statement('get_columns_in_relation', fetch_result=True) %}
        select
            attname as column_name,
            format_type(atttypid, null) as data_type,
            information_schema._pg_char_max_length(atttypid, atttypmod) as character_maximum_length,
            information_schema._pg_numeric_precision(atttypid, atttypmod) as numeric_precision,
            information_schema._pg_numeric_scale(atttypid, atttypmod) as numeric_scale
        from pg_catalog.pg_attribute
        where
            attrelid = to_regclass('{{ relation.include(database=False) }}')
            and attnum > 0
            and not attisdropped
        order by attnum asc
    {%- endcall -%}
    {{ return(sql_convert_columns_in_relation(load_result('get_columns_in_relation').table)) }}
{%- endmacro %}
