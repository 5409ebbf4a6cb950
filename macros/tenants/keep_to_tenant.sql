{#- Statement, in the target `tenant`: a table takes no row of another organization, whatever a model forgets, and shows
    none to who may not read the tenant's, not even what is of no organization. What is so already is left alone. -#}
{% macro keep_to_tenant(relation) -%}
    {%- if tenant_organizations() %}
    do $keep$
    begin
        if not exists (
            select from pg_catalog.pg_class as tables
            left join pg_catalog.pg_policy as policies on tables.oid = policies.polrelid and policies.polname = 'tenant'
            where tables.oid = to_regclass('{{ relation }}') and tables.relkind = 'r' and policies.oid is null
        ) then
            return;
        end if;
        create policy tenant on {{ relation }} as restrictive for select using (
            (select access.reads_every_organization())
            or {{ of_tenant('(select access.current_organization())') }}
            or (select access.listed_organizations()) && cast('{ {{- tenant_organizations() | join(',') -}} }' as uuid [])
        );
        begin
            alter table {{ relation }}
            add constraint rows_are_of_the_tenant check ({{ of_tenant() }});
        exception when undefined_column or duplicate_object then
            null;
        end;
    end
    $keep$;
    {%- endif -%}
{%- endmacro %}
