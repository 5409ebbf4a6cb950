{#- Incremental strategy `replace_changed` for small tables that are computed whole: rows that differ
    are replaced, equal rows are not written again, and the table keeps its identity, so that views
    on it live on. Needs `unique_key`: one text column. -#}
{% macro get_incremental_replace_changed_sql(arg_dict) -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set key = arg_dict['unique_key'] %}
    delete from {{ arg_dict['target_relation'] }}
    where {{ key }} in (
        select existing.{{ key }}
        from (
            select {{ columns }} from {{ arg_dict['target_relation'] }}
            except
            select {{ columns }} from {{ arg_dict['temp_relation'] }}
        ) as existing
    );

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
    where {{ key }} not in (select {{ key }} from {{ arg_dict['target_relation'] }});
{%- endmacro %}
