{#- Statements of an incremental strategy: delete from the model's table what the listed periods hold and
    insert what the model returned. Rows that the model returned as they stand are left alone: one late
    execution leaves most of its day as it was, and to write a row and its indexes costs several times as
    much as to compare it. -#}
{% macro replace_touched(arg_dict, touched, period_columns) -%}
    {%- set target, fresh = arg_dict['target_relation'], arg_dict['temp_relation'] %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | list %}
    {%- set unit = (config.get('meta') or {}).get('unit', 'organization') %}
    {%- set key = primary_key_columns() %}
    {%- set is_touched -%}
        {{ same_unit('existing', 'touched', unit) }}
        {%- for column in period_columns %}
        and existing.{{ column }} = touched.{{ column }}
        {%- endfor %}
    {%- endset %}
    set local enable_nestloop = on;

    create temporary table unchanged on commit drop as
    select {{ 'existing.' ~ key | join(', existing.') }}
    from {{ target }} as existing
    inner join {{ touched }} as touched on {{ is_touched }}
    inner join {{ fresh }} as fresh on {{ same_key('existing', 'fresh', key) }}
    where
        ({{ 'existing.' ~ columns | join(', existing.') }})
        is not distinct from ({{ 'fresh.' ~ columns | join(', fresh.') }});

    analyze unchanged;

    delete from {{ target }} as existing
    using {{ touched }} as touched
    where
        {{ is_touched }}
        and not exists (
            select 1 from unchanged where {{ same_key('existing', 'unchanged', key) }}
        );

    insert into {{ target }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }}
    from {{ fresh }} as fresh
    where
        not exists (
            select 1 from unchanged where {{ same_key('fresh', 'unchanged', key) }}
        );
{%- endmacro %}
