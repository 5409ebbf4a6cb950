-- Grain: one row per routing decision, its latest version, beside what came of it. A decision is
-- computed again when a version of it arrives and when a day of the execution that followed it
-- changes.
-- depends_on: {{ ref('int_touched_organization_days') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='routing_decision_id',
        pre_hook='{{ open_intake() }}',
        post_hook='{{ close_intake() }}',
        indexes=[
            {'columns': ['organization_id', 'decision_timestamp']},
            {'columns': ['execution_id']},
        ]
    )
}}

with all_versions as (

    select * from {{ ref('stg_platform__routing_decisions') }}

),

{% if is_incremental() %}
changed_executions as (

    select
        execution_id,
        routing_decision_id
    from {{ ref('fct_task_executions') }}
    where (organization_id, metric_date) in ({{ pending_organization_days() }})

),

pending as (

    select routing_decision_id
    from all_versions
    where _load_id in ({{ pending_loads() }})
    union
    select routing_decision_id
    from all_versions
    where execution_id in (select changed_executions.execution_id from changed_executions)
    union
    select routing_decision_id
    from changed_executions
    where routing_decision_id is not null
    union
    -- An execution that follows another decision now leaves the one that it stands beside.
    select routing_decision_id
    from {{ this }}
    where execution_id in (select changed_executions.execution_id from changed_executions)

),

{% endif %}
versions as (

    select *
    from all_versions
    {% if is_incremental() %}
    where routing_decision_id in (select pending.routing_decision_id from pending)
    {% endif %}

),

ranked as (

    select
        *,
        row_number() over (
            partition by routing_decision_id
            order by updated_at desc, event_id desc, _load_id desc, _line_number desc
        ) = 1 as is_latest
    from versions

),

decisions as (

    select *
    from ranked
    where is_latest

),

executions as (

    select * from {{ ref('fct_task_executions') }}

),

-- A decision that names no execution is followed by the first attempt that refers to it.
attempts as (

    select
        executions.routing_decision_id,
        executions.execution_id,
        row_number() over (
            partition by executions.routing_decision_id
            order by executions.start_time, executions.execution_id
        ) as attempt
    from decisions
    inner join executions on decisions.routing_decision_id = executions.routing_decision_id
    where decisions.execution_id is null

),

followed as (

    select
        decisions.*,
        coalesce(decisions.execution_id, attempts.execution_id) as followed_execution_id
    from decisions
    left join attempts
        on
            decisions.routing_decision_id = attempts.routing_decision_id
            and attempts.attempt = 1

),

final as (

    select
        followed.routing_decision_id,
        followed.organization_id,
        followed.task_id,
        followed.followed_execution_id as execution_id,
        followed.decision_timestamp,
        followed.routing_strategy,
        followed.algorithm_version,
        followed.chosen_provider,
        followed.chosen_model,
        followed.confidence_score,
        followed.alternative_count,
        followed.predicted_cost_usd,
        followed.predicted_duration_ms,
        followed.predicted_quality_score,
        followed.cheapest_alternative_cost_usd,
        followed.predicted_cost_usd <= followed.cheapest_alternative_cost_usd as is_cheapest_choice,
        cast(
            followed.predicted_cost_usd
            - case
                when followed.cheapest_alternative_cost_usd < followed.predicted_cost_usd
                    then followed.cheapest_alternative_cost_usd
                when followed.cheapest_alternative_cost_usd is not null
                    then followed.predicted_cost_usd
            end as numeric(20, 12)
        ) as regret_usd,
        followed.routing_overhead_cost_usd,
        followed.baseline_provider,
        followed.baseline_model,
        executions.status as execution_status,
        executions.provider as actual_provider,
        executions.provider <> followed.chosen_provider as is_overridden,
        executions.cost_usd as actual_cost_usd,
        executions.duration_ms as actual_duration_ms,
        executions.quality_score as actual_quality_score,
        cast(executions.cost_usd - followed.predicted_cost_usd as numeric(20, 12))
            as cost_error_usd,
        executions.duration_ms - followed.predicted_duration_ms as duration_error_ms,
        cast(
            executions.quality_score - followed.predicted_quality_score as numeric(13, 12)
        ) as quality_score_error,
        case
            when executions.execution_id is null then 'no_execution'
            when executions.cost_usd is null then executions.pricing_status
            when followed.predicted_cost_usd is null then 'not_predicted'
            else 'compared'
        end as cost_comparison_status,
        followed.event_id,
        followed.updated_at
    from followed
    left join executions on followed.followed_execution_id = executions.execution_id

)

select * from final
