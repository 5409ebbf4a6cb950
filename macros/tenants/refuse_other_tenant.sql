{#- At the start of a run: schemas belong to the organizations that they were first built for, which the comment on the
    one of the marts tells. What others had landed before would be missing, and stay where it must not be. -#}
{% macro refuse_other_tenant() -%}
    {%- if execute and flags.WHICH != 'freshness' -%}
    {%- set organizations = tenant_organizations() -%}
    {%- set marts = generate_schema_name('marts', none) -%}
    {%- set beginning = 'Rows of these organizations only: ' -%}
    {%- set wanted = beginning ~ organizations | join(', ') if organizations -%}
    {%- set schemas = graph.nodes.values() | map(attribute='schema') | unique | join("', '") -%}
    {%- set standing = run_query(
        "select obj_description(to_regnamespace('\"" ~ marts ~ "\"'), 'pg_namespace') as description, "
        ~ "exists (select from pg_catalog.pg_class where relnamespace in (select oid from pg_catalog.pg_namespace "
        ~ "where nspname in ('" ~ schemas ~ "'))) as is_built"
    ).rows[0] -%}
    {%- set description = standing['description'] or '' -%}
    {%- if organizations and standing['is_built'] and description != wanted
        or not organizations and description.startswith(beginning) -%}
        {{ exceptions.raise_compiler_error(
            "Schema " ~ marts ~ " and those beside it hold "
            ~ (description | replace('Rows', 'rows') if description.startswith(beginning) else 'rows of all organizations')
            ~ ". Nothing was built. Give these schemas another name (WAREHOUSE_TENANT, WAREHOUSE_SCHEMA), say the "
            ~ "same organizations (target tenant, WAREHOUSE_ORGANIZATIONS), or drop them first."
        ) }}
    {%- elif organizations and description != wanted -%}
        {%- set unknown = run_query(
            "select cast(id as text) from unnest(cast('{" ~ organizations | join(',') ~ "}' as uuid [])) as wanted (id) "
            ~ "where not exists (select from ledger.landed_totals where organization_id = wanted.id)"
        ).columns[0].values() -%}
        {%- if unknown -%}
            {{ exceptions.raise_compiler_error(
                "WAREHOUSE_ORGANIZATIONS: nothing has landed of " ~ unknown | join(', ') ~ ". Nothing was built."
            ) }}
        {%- endif -%}
        {%- call statement('tenant') -%}
            create schema if not exists "{{ marts }}";
            comment on schema "{{ marts }}" is '{{ wanted }}'
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}
