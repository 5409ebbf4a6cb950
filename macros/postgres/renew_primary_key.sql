{#- Statement of a model that is kept when others are built anew: where its table still has another primary key, from
    an older version of the model, give it that of its contract. -#}
{% macro renew_primary_key() -%}
    {%- if is_incremental() -%}
    {%- set columns = primary_key_columns() -%}
    do $renew$
    declare
        old_key name;
    begin
        select keys.conname into old_key
        from pg_catalog.pg_constraint as keys
        where
            keys.conrelid = cast('{{ this }}' as regclass)
            and keys.contype = 'p'
            and cardinality(keys.conkey) <> {{ columns | length }};
        if old_key is not null then
            execute format('alter table {{ this }} drop constraint %I cascade', old_key);
            alter table {{ this }} add primary key ({{ columns | join(', ') }});
        end if;
    end
    $renew$;
    {%- endif -%}
{%- endmacro %}
