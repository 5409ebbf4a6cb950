{#- Expression: names and types of a relation's columns, in their order. -#}
{% macro columns_of_relation(relation) -%}
    array(
        select concat_ws(' ', attname, atttypid, atttypmod, attcollation)
        from pg_catalog.pg_attribute
        where attrelid = to_regclass('{{ relation }}') and attnum > 0 and not attisdropped
        order by attnum asc
    )
{%- endmacro %}
