{#- Statement of `fct_task_executions`: note every cost or baseline that was known already and is another
    now. An execution that goes on (a new version of one that had not finished) corrects nothing. A
    first build has nothing to compare with. -#}
{% macro record_cost_changes() -%}
    do $record$
    begin
        if to_regclass('pg_temp.costs_before') is null then
            return;
        end if;
        insert into {{ ref('int_cost_changes') }} (
            invocation_id, execution_id, organization_id, metric_date, reason,
            old_cost_usd, new_cost_usd, old_baseline_cost_usd, new_baseline_cost_usd,
            old_savings_usd, new_savings_usd, old_pricing_status, new_pricing_status,
            old_price_id, new_price_id, old_baseline_price_id, new_baseline_price_id, changed_at
        )
        select
            '{{ invocation_id }}' as invocation_id,
            executions.execution_id,
            executions.organization_id,
            executions.metric_date,
            case
                when executions.event_id <> costs_before.event_id then 'new version'
                when
                    executions.baseline_policy_id is distinct from costs_before.baseline_policy_id
                    then 'policy'
                when
                    (executions.baseline_provider, executions.baseline_model)
                    is distinct from (costs_before.baseline_provider, costs_before.baseline_model)
                    then 'baseline'
                when
                    (executions.price_model, executions.baseline_price_model)
                    is distinct from (costs_before.price_model, costs_before.baseline_price_model)
                    then 'model name'
                else 'price'
            end as reason,
            costs_before.cost_usd as old_cost_usd,
            executions.cost_usd as new_cost_usd,
            costs_before.baseline_cost_usd as old_baseline_cost_usd,
            executions.baseline_cost_usd as new_baseline_cost_usd,
            costs_before.savings_usd as old_savings_usd,
            executions.savings_usd as new_savings_usd,
            costs_before.pricing_status as old_pricing_status,
            executions.pricing_status as new_pricing_status,
            costs_before.price_id as old_price_id,
            executions.price_id as new_price_id,
            costs_before.baseline_price_id as old_baseline_price_id,
            executions.baseline_price_id as new_baseline_price_id,
            current_timestamp as changed_at
        from pg_temp.costs_before
        inner join {{ this }} as executions
            on costs_before.execution_id = executions.execution_id
        where
            (executions.cost_usd, executions.baseline_cost_usd, executions.savings_usd)
            is distinct from (
                costs_before.cost_usd, costs_before.baseline_cost_usd, costs_before.savings_usd
            )
            and (
                executions.event_id = costs_before.event_id
                or costs_before.status in ('completed', 'failed')
            );
    end
    $record$
{%- endmacro %}
