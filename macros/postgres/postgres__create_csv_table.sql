{#- Creates the table of a seed as dbt does, and protects it. -#}
{% macro postgres__create_csv_table(model, agate_table) -%}
    {%- set created = dbt.default__create_csv_table(model, agate_table) -%}
    {%- call statement('protect') -%}
        select {{ protect(this, model) }};
        {{ keep_to_tenant(this) }}
    {%- endcall -%}
    {{ return(created) }}
{%- endmacro %}
