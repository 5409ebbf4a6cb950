{#- Empties the table of a seed before it is loaded again, also in a full refresh, which would drop it with all views
    that stand on it. New columns of the seed are added; only a table that has others than the seed then goes. -#}
{% macro postgres__reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
    {%- set standing = adapter.get_columns_in_relation(old_relation) | map(attribute='name') | list -%}
    {%- for name in agate_table.column_names if name not in standing -%}
        {%- call statement('add') -%}
            alter table {{ old_relation }} add column {{ name }} {{ model.config.column_types[name] }}
        {%- endcall -%}
    {%- endfor -%}
    {%- if full_refresh -%}
        {%- set wanted = api.Relation.create(schema='pg_temp', identifier='wanted_seed', type='table') -%}
        {%- call statement('wanted') %}
        create temporary table {{ wanted.identifier }} (
            {%- for name in agate_table.column_names %}
            {{ adapter.quote_seed_column(name, model.config.get('quote_columns')) }}
            {{ model.config.column_types.get(name, adapter.convert_type(agate_table, loop.index0)) }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        )
        {%- endcall -%}
        {%- set is_same = run_query(
            "select " ~ columns_of_relation(old_relation) ~ " = " ~ columns_of_relation(wanted)
        ).rows[0][0] -%}
        {%- do adapter.drop_relation(wanted) -%}
    {%- endif -%}
    {{ return(dbt.default__reset_csv_table(model, full_refresh and not is_same, old_relation, agate_table)) }}
{%- endmacro %}
