{#- Writes the descriptions of a relation and its columns into the database as comments; those that stand there
    already are left alone, so that a build without changes writes none. -#}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set wanted = {} -%}
    {%- if for_relation and config.persist_relation_docs() -%}
        {%- do wanted.update({'': described(model)}) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() -%}
        {%- for column in model.columns.values() if column.description -%}
            {%- do wanted.update({column.name: column.description | trim}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if wanted -%}
    {%- call statement('comments') %}
    do $comments$
    declare
        statement text;
    begin
        for statement in
            select
                format(
                    'comment on %s is %L',
                    case
                        when columns.attnum = 0 then '{{ relation.type }} {{ relation }}'
                        else format('column {{ relation }}.%I', columns.attname)
                    end,
                    wanted.description
                )
            from jsonb_each_text({{ quoted(tojson(wanted)) }}) as wanted (name, description)
            inner join (
                select
                    0 as attnum,
                    '' as attname
                union all
                select
                    attnum,
                    attname
                from pg_catalog.pg_attribute
                where attrelid = cast('{{ relation }}' as regclass)
            ) as columns on wanted.name = columns.attname
            left join pg_catalog.pg_description as comments
                on
                    comments.objoid = cast('{{ relation }}' as regclass)
                    and comments.classoid = cast('pg_class' as regclass)
                    and comments.objsubid = columns.attnum
            where comments.description is distinct from wanted.description
        loop
            execute statement;
        end loop;
    end
    $comments$
    {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
