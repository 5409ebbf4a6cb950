{#- Statement of `fct_task_executions`: keep the executions of the batch as they are until now, for as long as
    the transaction lasts; in a full refresh also those that are in no event any more. What the table does not
    have, because an earlier version of the project built it, is unknown, and what is true or false false. -#}
{% macro keep_executions_before() -%}
    {%- set existing = load_relation(this) -%}
    {%- if existing is not none -%}
    {%- set known = adapter.get_columns_in_relation(existing) | map(attribute='name') | list -%}
    create temporary table executions_before on commit drop as
    select
        {%- for column in (
            change_columns() + priced_by_columns() + [
                'event_id', 'routing_decision_id', 'price_id', 'price_factors', 'other_costs',
                'baseline_policy_id', 'baseline_price_id', 'baseline_price_factors',
                'baseline_other_costs',
            ]
        ) | unique %}
        {%- set type = model.columns[column].data_type %}
        {%- set value = column if column in known else 'cast(null as ' ~ type ~ ')' %}
        {{ 'coalesce(' ~ value ~ ', false)' if type == 'boolean' else value }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ this }}
    {%- if is_incremental() and not flags.FULL_REFRESH %}
    where execution_id in (select batch.execution_id from {{ ref('int_execution_batch') }} as batch)
    {%- endif %};
    analyze executions_before;
    {%- endif -%}
{%- endmacro %}
