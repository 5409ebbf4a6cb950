{#- Schemas carry their plain names (marts, staging ...) in the main target, which is the one whose
    default schema is `public`; another default schema becomes their prefix, so that a second copy
    of the warehouse can stand beside the first. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if target.name == 'tenant' and (
        not modules.re.fullmatch('[a-z][a-z0-9_]{0,39}', target.schema)
        or target.schema in ('public', 'raw', 'ledger', 'access')
    ) -%}
        {{ exceptions.raise_compiler_error(
            "WAREHOUSE_TENANT: '" ~ target.schema ~ "' is no name for a tenant's schemas: a to z, 0 to 9 and _, a "
            ~ "letter first, at most 40, and none of public, raw, ledger, access. With acme they are acme_marts ..."
        ) }}
    {%- elif custom_schema_name is none -%}
        {{ target.schema }}
    {%- elif target.schema == 'public' -%}
        {{ custom_schema_name | trim }}
    {%- else -%}
        {{ target.schema }}_{{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
