{#- Statement of `fct_task_executions`, before its rows change: keep the sealed ones that are computed again, because
    something arrived about them, for as long as the transaction lasts. -#}
{% macro keep_sealed_facts() -%}
    {%- if is_incremental() -%}
    create temporary table sealed_facts on commit drop as
    select executions.*
    from {{ this }} as executions
    inner join {{ ref('stg_warehouse__sealed_executions') }} as sealed
        on executions.execution_id = sealed.execution_id
    where
        executions.execution_id in (
            select batch.execution_id
            from {{ ref('int_execution_batch') }} as batch
        );
    {%- endif -%}
{%- endmacro %}
