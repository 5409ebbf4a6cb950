{#- Post-hook of tables without a contract: their primary key, also where an older version made the table
    without one. Views have none. -#}
{% macro ensure_primary_key(column) -%}
    {%- if config.get('materialized') != 'view' -%}
    do $key$
    begin
        if not exists (
            select 1
            from pg_catalog.pg_constraint
            where conrelid = cast('{{ this }}' as regclass) and contype = 'p'
        ) then
            alter table {{ this }} add primary key ({{ column }});
        end if;
    end
    $key$;
    {%- endif -%}
{%- endmacro %}
