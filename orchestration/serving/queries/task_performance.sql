-- How each type of task went, and which provider does it best for the money: of those with enough
-- finished executions and a success rate close to the best one's, the cheapest per completion.
with usage as (

    {{ usage }}

),

-- Once, whatever the plan for any tenant believes of their number.
percentiles as materialized (

    {{ percentiles }}

),

tasks as (

    select
        task_type,
        sum(total_tasks) as total_tasks,
        sum(successful_tasks) as successful_tasks,
        sum(failed_tasks) as failed_tasks,
        sum(unpriced_tasks) as unpriced_tasks,
        round(
            sum(successful_tasks) / nullif(cast(sum(successful_tasks + failed_tasks) as numeric), 0), 6
        ) as success_rate,
        round(sum(total_duration_ms) / nullif(sum(timed_tasks), 0), 3) as avg_duration_ms
    from usage
    group by task_type

),

candidates as (

    select
        task_type,
        provider,
        sum(successful_tasks + failed_tasks) as finished_tasks,
        sum(successful_tasks) / cast(sum(successful_tasks + failed_tasks) as numeric) as success_rate,
        sum(total_cost_usd) / nullif(sum(costed_tasks), 0) as avg_cost_usd
    from usage
    group by task_type, provider
    having sum(successful_tasks + failed_tasks) >= 20

),

compared as (

    select
        *,
        max(success_rate) over (partition by task_type) as best_success_rate,
        count(*) over (partition by task_type) as compared_providers
    from candidates

),

optimal as (

    select distinct on (task_type) *
    from compared
    where
        %(provider)s is null
        and success_rate >= best_success_rate - 0.02
        and avg_cost_usd is not null
    order by task_type, avg_cost_usd, success_rate desc, provider

)

select
    tasks.task_type,
    tasks.total_tasks,
    tasks.successful_tasks,
    tasks.failed_tasks,
    tasks.unpriced_tasks,
    tasks.success_rate,
    tasks.avg_duration_ms,
    percentiles.p50_duration_ms,
    percentiles.p95_duration_ms,
    optimal.provider as optimal_provider,
    case
        when optimal.provider is not null then null
        when %(provider)s is not null then 'only one provider was asked about'
        when not exists (select 1 from candidates where candidates.task_type = tasks.task_type)
            then 'no provider has 20 finished executions'
        else 'no provider that succeeds often enough has a known cost'
    end as optimal_provider_reason,
    optimal.finished_tasks as optimal_provider_finished_tasks,
    round(optimal.success_rate, 6) as optimal_provider_success_rate,
    round(optimal.avg_cost_usd, 12) as optimal_provider_avg_cost_per_task_usd,
    round(optimal.best_success_rate, 6) as best_success_rate,
    optimal.compared_providers
from tasks
left join percentiles
    on tasks.task_type = percentiles.task_type and percentiles.provider is null
left join optimal on tasks.task_type = optimal.task_type
order by tasks.total_tasks desc, tasks.task_type
