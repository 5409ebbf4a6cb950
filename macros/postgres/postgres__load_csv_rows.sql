{#- Loads the rows of a seed as dbt does; those of other organizations stay out of the schemas of a tenant. -#}
{% macro postgres__load_csv_rows(model, agate_table) -%}
    {%- set organizations = tenant_organizations() -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows
        if not organizations or not row.get('organization_id') or row['organization_id'] | lower in organizations -%}
        {%- do rows.append(row) -%}
    {%- endfor -%}
    {{ return(dbt.default__load_csv_rows(model, {'rows': rows, 'column_names': agate_table.column_names})) }}
{%- endmacro %}
