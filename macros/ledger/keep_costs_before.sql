{#- Statement of `fct_task_executions`: keep what the executions in work cost until now, for as long as
    the transaction lasts. -#}
{% macro keep_costs_before() -%}
    {%- if load_relation(this) is not none -%}
    create temporary table costs_before on commit drop as
    select
        execution_id,
        event_id,
        status,
        price_model,
        price_id,
        pricing_status,
        cost_usd,
        baseline_policy_id,
        baseline_provider,
        baseline_model,
        baseline_price_model,
        baseline_price_id,
        baseline_cost_usd,
        savings_usd
    from {{ this }}
    where execution_id in (select work.execution_id from {{ ref('int_execution_work') }} as work);
    analyze costs_before;
    {%- endif -%}
{%- endmacro %}
