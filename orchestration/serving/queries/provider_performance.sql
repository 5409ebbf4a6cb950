-- How each provider did.
with usage as (

    {{ usage }}

),

-- Once, whatever the plan for any tenant believes of their number.
percentiles as materialized (

    {{ percentiles }}

),

providers as (

    select
        provider,
        {{ share_of_spend }},
        sum(successful_tasks + failed_tasks) as finished_tasks,
        sum(scored_tasks) as scored_tasks,
        round(sum(total_quality_score) / nullif(sum(scored_tasks), 0), 6) as avg_quality_score,
        round(sum(total_tokens) / nullif(cast(sum(total_tasks) as numeric), 0), 2)
            as avg_tokens_per_task,
        {{ sums }}
    from usage
    group by provider

)

select
    providers.*,
    percentiles.p50_duration_ms,
    percentiles.p95_duration_ms
from providers
left join percentiles
    on providers.provider = percentiles.provider and percentiles.task_type is null
order by providers.tasks desc, providers.provider
