-- Grain: one row per execution whose task was also run on its baseline's provider and model, as a
-- shadow or a retry: what the baseline was estimated to cost, and what it did cost. Tasks of
-- which something changed are compared again.
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_execution_changes') }}
-- depends_on: {{ ref('int_processed_loads') }}
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('stg_platform__routing_decisions') }}

{{
    config(
        incremental_strategy='append',
        pre_hook=['{{ open_changes() }}', '{{ collect_measured_tasks() }}'],
        post_hook="{{ close_changes(after=['fct_routing_decisions']) }}",
        meta={'sealed': 'days'},
        indexes=[
            {'columns': ['organization_id', 'metric_date']},
            {'columns': ['organization_id', 'task_id']},
        ]
    )
}}

with executions as (

    select
        executions.execution_id,
        executions.organization_id,
        executions.metric_date,
        executions.task_id,
        executions.task_type,
        executions.routing_decision_id,
        executions.provider,
        executions.model,
        executions.cost_usd,
        executions.baseline_provider,
        executions.baseline_model,
        executions.baseline_price_model,
        executions.baseline_cost_usd,
        executions.savings_usd
    from {{ ref('fct_task_executions') }} as executions
    {% if is_incremental() %}
    inner join changed_tasks
        on
            executions.organization_id = changed_tasks.organization_id
            and executions.task_id = changed_tasks.task_id
    {% endif %}
    where
        executions.savings_status = 'compared'
        {% if is_incremental() %}
        and {{ is_open('executions', 'executions.metric_date') }}
        {% endif %}
        and (executions.provider, coalesce(executions.price_model, '')) <> (
            executions.baseline_provider, coalesce(executions.baseline_price_model, '')
        )

),

tasks as (

    select distinct
        organization_id,
        task_id
    from executions

),

reruns as (

    select
        organization_id,
        task_id,
        execution_id as measured_execution_id,
        metric_date as measured_metric_date,
        provider,
        price_model,
        start_time,
        cost_usd as measured_baseline_cost_usd
    from {{ ref('fct_task_executions') }}
    where
        status = 'completed'
        and cost_usd is not null
        and (organization_id, task_id) in (
            select
                tasks.organization_id,
                tasks.task_id
            from tasks
        )

),

decisions as (

    select * from {{ ref('fct_routing_decisions') }}

),

-- Of several runs on the baseline the first one counts.
measured as (

    select
        executions.*,
        reruns.measured_execution_id,
        reruns.measured_metric_date,
        reruns.measured_baseline_cost_usd,
        row_number() over (
            partition by executions.execution_id
            order by reruns.start_time, reruns.measured_execution_id
        ) as run
    from executions
    inner join reruns
        on
            executions.organization_id = reruns.organization_id
            and executions.task_id = reruns.task_id
            and executions.baseline_provider = reruns.provider
            and coalesce(executions.baseline_price_model, '') = coalesce(reruns.price_model, '')

),

final as (

    select
        measured.execution_id,
        measured.organization_id,
        measured.metric_date,
        measured.task_id,
        measured.task_type,
        measured.routing_decision_id,
        measured.provider,
        measured.model,
        measured.baseline_provider,
        measured.baseline_model,
        measured.measured_execution_id,
        measured.measured_metric_date,
        measured.cost_usd,
        decisions.predicted_cost_usd,
        decisions.predicted_baseline_cost_usd,
        measured.baseline_cost_usd as estimated_baseline_cost_usd,
        cast(measured.measured_baseline_cost_usd as numeric(20, 12)) as measured_baseline_cost_usd,
        cast(
            decisions.predicted_baseline_cost_usd - decisions.predicted_cost_usd
            as numeric(20, 12)
        ) as predicted_savings_usd,
        measured.savings_usd as estimated_savings_usd,
        cast(measured.measured_baseline_cost_usd - measured.cost_usd as numeric(20, 12))
            as measured_savings_usd,
        cast(
            measured.baseline_cost_usd - measured.measured_baseline_cost_usd as numeric(20, 12)
        ) as estimate_error_usd,
        cast(
            100 * (measured.baseline_cost_usd - measured.measured_baseline_cost_usd)
            / nullif(measured.measured_baseline_cost_usd, 0) as numeric(28, 6)
        ) as bias_percentage
    from measured
    left join decisions
        on
            measured.routing_decision_id = decisions.routing_decision_id
            and measured.organization_id = decisions.organization_id
    where measured.run = 1

)

select * from final
