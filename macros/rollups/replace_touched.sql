{#- Statements of an incremental strategy: delete from the model's table what the listed periods hold and
    insert what the model returned. -#}
{% macro replace_touched(arg_dict, touched, period_columns) -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') %}
    {%- set unit = (config.get('meta') or {}).get('unit', 'organization') %}
    set local enable_nestloop = on;

    delete from {{ arg_dict['target_relation'] }} as existing
    using {{ touched }} as touched
    where
        {{ same_unit('existing', 'touched', unit) }}
        {%- for column in period_columns %}
        and existing.{{ column }} = touched.{{ column }}
        {%- endfor %};

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{%- endmacro %}
