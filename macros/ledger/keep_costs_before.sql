{#- Statement of `fct_task_executions`: keep what the executions in work cost until now, for as long as
    the transaction lasts; in a full refresh also those that are in no event any more. -#}
{% macro keep_costs_before() -%}
    {%- if load_relation(this) is not none -%}
    create temporary table costs_before on commit drop as
    select
        execution_id,
        event_id,
        metric_date,
        status,
        routing_decision_id,
        {{ priced_by_columns() | join(',\n        ') }},
        price_model,
        price_id,
        price_factors,
        other_costs,
        pricing_status,
        cost_usd,
        baseline_policy_id,
        baseline_provider,
        baseline_model,
        baseline_price_model,
        baseline_price_id,
        baseline_price_factors,
        baseline_other_costs,
        baseline_cost_usd,
        savings_status,
        savings_usd
    from {{ this }}
    {%- if is_incremental() and not flags.FULL_REFRESH %}
    where execution_id in (select work.execution_id from {{ ref('int_execution_work') }} as work)
    {%- endif %};
    analyze costs_before;
    {%- endif -%}
{%- endmacro %}
