{#- Function in `from`: a row of a table as it was before its numbers were encrypted; any other row as it is. -#}
{% macro decrypted_row(row, table) -%}
    jsonb_populate_record(cast(null as {{ table.include(database=false) }}), {{ decrypted(row) }})
{%- endmacro %}
