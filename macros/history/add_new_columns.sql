{#- Statements of a full refresh that keeps sealed rows: give the table the columns that a new version of the
    model has. In sealed rows they are unknown. -#}
{% macro add_new_columns() -%}
    {%- for column in model.columns.values() %}
    alter table {{ this }} add column if not exists {{ adapter.quote(column.name) }} {{ column.data_type }};
    {%- endfor %}
{%- endmacro %}
