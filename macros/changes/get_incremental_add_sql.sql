{#- Incremental strategy `add`: add what the model returned to the rows of its table: numbers to numbers, maps of
    numbers to maps. A row of which no tasks are left goes. The key is the unique constraint of the contract,
    in which a missing user or model is a value like any other. Constraints see the final rows only, so that an
    addition that cannot be stops the build. -#}
{% macro get_incremental_add_sql(arg_dict) -%}
    {%- set delta = arg_dict['temp_relation'] -%}
    {%- set key = key_columns() -%}
    {%- set measures = arg_dict['dest_columns'] | rejectattr('name', 'in', key) | list -%}
    analyze {{ delta }};

    merge into {{ arg_dict['target_relation'] }} as stored
    using (
        select *
        from {{ delta }}
        where
            {%- for column in measures %}
            {{ 'or ' if not loop.first }}{{ column.quoted }} is distinct from {{ "'{}'" if column.dtype == 'jsonb' else '0' }}
            {%- endfor %}
    ) as delta
        on
            {%- for name in key %}
            {%- set is_required = model.columns[name].constraints | selectattr('type', 'equalto', 'not_null') | list %}
            {{ 'and ' if not loop.first }}stored.{{ name }} {{ '=' if is_required else 'is not distinct from' }} delta.{{ name }}
            {%- endfor %}
    when matched and stored.total_tasks + delta.total_tasks = 0 then delete
    when matched then update set
        {%- for column in measures %}
        {{ column.quoted }} =
            {%- if column.dtype == 'jsonb' %} {{ function_schema() }}.add_maps(stored.{{ column.quoted }}, delta.{{ column.quoted }})
            {%- else %} stored.{{ column.quoted }} + delta.{{ column.quoted }}
            {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    when not matched then insert ({{ arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') }})
    values (delta.{{ arg_dict['dest_columns'] | map(attribute='quoted') | join(', delta.') }})
{%- endmacro %}
