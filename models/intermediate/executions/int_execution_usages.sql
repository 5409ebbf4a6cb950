-- Grain: one row per pending execution: what was used, in parts that do not overlap, and what the
-- organization's baseline policy compares it with.

with latest_executions as (

    select * from {{ ref('int_latest_executions') }}

),

organizations as (

    select * from {{ ref('int_organization_versions') }}

),

decisions as (

    select * from {{ ref('int_execution_decisions') }}

),

-- Each import is read once: the planner knows the sizes of tables, and not of a `with` used twice.
own_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'headline' and organization_id is not null

),

common_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'headline' and organization_id is null

),

joined as (

    select
        latest_executions.*,
        coalesce(organizations.timezone, 'UTC') as reporting_timezone,
        coalesce(latest_executions.routing_decision_id, naming.routing_decision_id)
            as followed_decision_id,
        -- 0 where no decision was taken or another attempt bears it; NULL where it is not known.
        case
            when coalesce(latest_executions.routing_decision_id, naming.routing_decision_id) is null
                then 0
            when latest_executions.routing_decision_id is null then naming.routing_overhead_cost_usd
            when followed.execution_id <> latest_executions.execution_id then 0
            when followed.execution_id is null and latest_executions.attempt_of_decision > 1 then 0
            else followed.routing_overhead_cost_usd
        end as routing_overhead_cost_usd,
        coalesce(own_policies.policy, common_policies.policy) as baseline_policy,
        coalesce(own_policies.policy_id, common_policies.policy_id) as baseline_policy_id,
        coalesce(own_policies.baseline_provider, common_policies.baseline_provider)
            as fixed_baseline_provider,
        coalesce(own_policies.baseline_model, common_policies.baseline_model)
            as fixed_baseline_model,
        organizations.baseline_provider as organization_baseline_provider,
        organizations.baseline_model as organization_baseline_model,
        coalesce(followed.baseline_provider, naming.baseline_provider)
            as decision_baseline_provider,
        coalesce(followed.baseline_model, naming.baseline_model) as decision_baseline_model,
        coalesce(followed.dearest_alternative_provider, naming.dearest_alternative_provider)
            as dearest_alternative_provider,
        coalesce(followed.dearest_alternative_model, naming.dearest_alternative_model)
            as dearest_alternative_model
    from latest_executions
    left join organizations
        on
            latest_executions.organization_id = organizations.organization_id
            and latest_executions.start_time >= organizations.valid_from
            and latest_executions.start_time < organizations.valid_until
    left join decisions as followed
        on latest_executions.routing_decision_id = followed.routing_decision_id
    left join decisions as naming
        on
            latest_executions.routing_decision_id is null
            and latest_executions.execution_id = naming.execution_id
            and naming.is_latest_for_execution
    left join own_policies
        on
            latest_executions.organization_id = own_policies.organization_id
            and latest_executions.start_time >= own_policies.valid_from
            and latest_executions.start_time < own_policies.valid_until
    left join common_policies
        on
            latest_executions.start_time >= common_policies.valid_from
            and latest_executions.start_time < common_policies.valid_until

),

final as (

    select
        execution_id,
        event_id,
        organization_id,
        user_id,
        task_id,
        task_type,
        provider,
        model,
        service_tier,
        status,
        start_time,
        end_time,
        updated_at,
        session_id,
        correlation_id,
        agent_id,
        workflow_id,
        code_language,
        request_type,
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        output_tokens,
        reasoning_tokens,
        tokens_used,
        compute_units,
        request_count,
        reported_cost_usd,
        quality_score,
        error_code,
        reporting_timezone,
        followed_decision_id,
        routing_overhead_cost_usd,
        baseline_policy,
        baseline_policy_id,
        {{ duration_ms('start_time', 'end_time') }} as duration_ms,
        {{ billed_tokens() }},
        {{ policy_baseline('baseline_policy', 'provider') }} as baseline_provider,
        {{ policy_baseline('baseline_policy', 'model') }} as baseline_model
    from joined
    {{ compute_once() }}

)

select * from final
