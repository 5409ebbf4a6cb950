{#- At the start of a run: a report of the past must not take the place of the present one, nor of a tenant's. -#}
{% macro refuse_past_in_main_schema() -%}
    {%- if execute and var('as_of') and (target.schema == 'public' or tenant_organizations()) -%}
        {{ exceptions.raise_compiler_error(
            "as_of rebuilds the past and needs schemas of its own: set WAREHOUSE_SCHEMA, for example "
            ~ "WAREHOUSE_SCHEMA=past dbt build --vars '{as_of: \"" ~ var('as_of') ~ "\"}'."
        ) }}
    {%- endif -%}
{%- endmacro %}
