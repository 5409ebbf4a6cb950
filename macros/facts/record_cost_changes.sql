{#- Statement of `fct_task_executions`: note every cost or baseline that was known already and is another
    now, with everything that happened to it. An execution that goes on (a new version of one that had
    not finished) corrects nothing. A first build has nothing to compare with.

    A reason is what the figure that changed was computed from: a new version explains everything that
    was chosen by what it changed; a policy, a baseline, a name or a price is a reason of its own where it
    differs although nothing differs that it is chosen by. What nothing explains was not what its inputs
    give: somebody changed it, or an earlier version of the project computed it otherwise; and an
    execution that is in no event any more was removed. What moved to a sealed day is in
    `late_corrections`. -#}
{% macro record_cost_changes() -%}
    do $record$
    begin
        if to_regclass('pg_temp.executions_before') is null then
            return;
        end if;
        insert into {{ ref('int_cost_changes') }} (
            invocation_id, execution_id, organization_id, metric_date, reason,
            old_cost_usd, new_cost_usd, old_baseline_cost_usd, new_baseline_cost_usd,
            old_savings_usd, new_savings_usd, old_pricing_status, new_pricing_status,
            old_price_id, new_price_id, old_baseline_price_id, new_baseline_price_id, changed_at
        )
        with compared as (

            select
                executions_before.execution_id,
                coalesce(executions.organization_id, executions_before.organization_id)
                    as organization_id,
                coalesce(executions.metric_date, executions_before.metric_date) as metric_date,
                executions.execution_id is null as is_removed,
                executions.event_id <> executions_before.event_id as is_new_version,
                ({{ 'executions.' ~ priced_by_columns() | join(', executions.') }})
                is not distinct from (
                    {{- 'executions_before.' ~ priced_by_columns() | join(', executions_before.') -}}
                )
                -- A decision that names the execution may come without a new version of it.
                and (
                    executions.event_id = executions_before.event_id
                    or executions.routing_decision_id
                    is not distinct from executions_before.routing_decision_id
                ) as is_chosen_by_the_same,
                executions.baseline_policy_id
                is distinct from executions_before.baseline_policy_id as has_other_policy,
                (executions.baseline_provider, executions.baseline_model)
                is distinct from (executions_before.baseline_provider, executions_before.baseline_model)
                    as has_other_baseline,
                {%- for prefix in ['', 'baseline_'] %}
                executions.{{ prefix }}price_model
                is distinct from executions_before.{{ prefix }}price_model as has_other_{{ prefix }}name,
                (
                    executions.{{ prefix }}price_id,
                    executions.{{ prefix }}price_factors,
                    executions.{{ prefix }}other_costs
                )
                is distinct from (
                    executions_before.{{ prefix }}price_id,
                    executions_before.{{ prefix }}price_factors,
                    executions_before.{{ prefix }}other_costs
                ) as has_other_{{ prefix }}price,
                executions.{{ prefix }}cost_usd
                is distinct from executions_before.{{ prefix }}cost_usd as has_other_{{ prefix }}cost,
                {%- endfor %}
                executions_before.cost_usd as old_cost_usd,
                executions.cost_usd as new_cost_usd,
                executions_before.baseline_cost_usd as old_baseline_cost_usd,
                executions.baseline_cost_usd as new_baseline_cost_usd,
                executions_before.savings_usd as old_savings_usd,
                executions.savings_usd as new_savings_usd,
                executions_before.pricing_status as old_pricing_status,
                executions.pricing_status as new_pricing_status,
                executions_before.price_id as old_price_id,
                executions.price_id as new_price_id,
                executions_before.baseline_price_id as old_baseline_price_id,
                executions.baseline_price_id as new_baseline_price_id
            from pg_temp.executions_before
            left join {{ this }} as executions
                on executions_before.execution_id = executions.execution_id
            where
                (executions.cost_usd, executions.baseline_cost_usd, executions.savings_usd)
                is distinct from (
                    executions_before.cost_usd, executions_before.baseline_cost_usd, executions_before.savings_usd
                )
                and (
                    executions.event_id is null
                    or executions.event_id = executions_before.event_id
                    or executions_before.status in ('completed', 'failed')
                )
                and not exists (
                    select 1
                    from pg_temp.late_executions as late
                    where late.execution_id = executions_before.execution_id
                )

        ),

        reasons as (

            select
                *,
                concat_ws(
                    ', ',
                    case when is_new_version then 'new version' end,
                    case
                        when is_chosen_by_the_same and has_other_baseline_cost and has_other_policy
                            then 'policy'
                    end,
                    case
                        when
                            is_chosen_by_the_same
                            and has_other_baseline_cost
                            and has_other_baseline
                            and not has_other_policy
                            then 'baseline'
                    end,
                    case
                        when
                            is_chosen_by_the_same
                            and (
                                (has_other_cost and has_other_name)
                                or (
                                    has_other_baseline_cost
                                    and has_other_baseline_name
                                    and not has_other_baseline
                                )
                            )
                            then 'model name'
                    end,
                    case
                        when
                            is_chosen_by_the_same
                            and (
                                (has_other_cost and has_other_price and not has_other_name)
                                or (
                                    has_other_baseline_cost
                                    and has_other_baseline_price
                                    and not has_other_baseline_name
                                    and not has_other_baseline
                                )
                            )
                            then 'price'
                    end,
                    case
                        when
                            not is_new_version
                            and (
                                not is_chosen_by_the_same
                                or (
                                    has_other_cost and not has_other_price and not has_other_name
                                )
                                or (
                                    has_other_baseline_cost
                                    and not has_other_baseline_price
                                    and not has_other_baseline_name
                                    and not has_other_baseline
                                    and not has_other_policy
                                )
                                or not (has_other_cost or has_other_baseline_cost)
                            )
                            then 'repaired'
                    end
                ) as reason
            from compared

        )

        select
            '{{ invocation_id }}' as invocation_id,
            execution_id,
            organization_id,
            metric_date,
            case when is_removed then 'removed' else reason end as reason,
            old_cost_usd,
            new_cost_usd,
            old_baseline_cost_usd,
            new_baseline_cost_usd,
            old_savings_usd,
            new_savings_usd,
            old_pricing_status,
            new_pricing_status,
            old_price_id,
            new_price_id,
            old_baseline_price_id,
            new_baseline_price_id,
            current_timestamp as changed_at
        from reasons;

        -- Most builds correct nothing, and the table of all corrections is long.
        if not found then
            return;
        end if;
        perform audit.record(
            'correct_prices',
            resource_type => 'executions',
            organization_id => organization_id,
            details => jsonb_build_object(
                'schema', '{{ this.schema }}',
                'invocation_id', '{{ invocation_id }}',
                'executions', count(*),
                'reasons', jsonb_agg(distinct reason order by reason),
                'old_cost_usd', sum(old_cost_usd),
                'new_cost_usd', sum(new_cost_usd),
                'old_baseline_cost_usd', sum(old_baseline_cost_usd),
                'new_baseline_cost_usd', sum(new_baseline_cost_usd)
            )
        )
        from {{ ref('int_cost_changes') }}
        where
            invocation_id = '{{ invocation_id }}'
            -- What its source restated is no correction of ours.
            and reason not in ('new version', 'removed')
        group by organization_id;
    end
    $record$
{%- endmacro %}
