{#- First pre-hook of `fct_task_executions`. From here to the commit it sees one state of the database: what arrives
    meanwhile waits for the next build instead of being counted by one statement and missed by another. The lock
    makes a second build wait. A first build or a full refresh starts with an empty record and reads everything. -#}
{% macro open_intake() -%}
    set transaction isolation level repeatable read;
    {%- if load_relation(this) is not none %}
    lock table {{ this }} in share row exclusive mode;
    {%- endif %}
    {%- if refreshes_open_rows() %}
    {{ renew_columns() }}
    {%- endif %}
    {{ set_join_methods() }}
    {%- if flags.FULL_REFRESH or not is_incremental() %}
    delete from {{ ref('int_processed_loads') }};
    delete from {{ ref('int_processed_prices') }};
    {%- endif %}
{%- endmacro %}
