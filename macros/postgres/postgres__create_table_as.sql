{#- dbt's statement, save that a table with a contract is made of its query and then given its constraints. dbt makes
    it empty and inserts: PostgreSQL executes the query of an insert on one processor only, and enters millions of
    random keys one by one into an index that it otherwise sorts together once. -#}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- set has_contract = config.get('contract').enforced -%}
    {%- set columns = model.columns.values() -%}
    create {{ 'temporary ' if temporary }}table {{ relation }} as
    {%- if has_contract %}
    {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    {%- if not has_contract or temporary %}
    (
        {{ sql }}
    );
    {%- else %}
    select
        {%- for column in columns %}
        cast(model_subq.{{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ sql }}
    ) as model_subq;
    {%- set constraints = [] -%}
    {%- for column in columns -%}
        {%- for constraint in column.constraints -%}
            {%- if constraint.type != 'not_null' -%}
                {{ exceptions.raise_compiler_error('Name the constraint of ' ~ column.name ~ ' beside the columns') }}
            {%- endif -%}
            {%- do constraints.append('alter column ' ~ column.name ~ ' set not null') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for constraint in adapter.render_raw_model_constraints(raw_constraints=model.constraints) -%}
        {%- do constraints.append('add ' ~ constraint) -%}
    {%- endfor %}
    {%- if constraints %}

    alter table {{ relation }}
    {{ constraints | join(',\n    ') }};
    {%- endif %}
    {%- endif %}
    {%- if not temporary %}

    select {{ protect(relation) }};
    {{ keep_to_tenant(relation) }}
    {%- endif %}
{%- endmacro %}
