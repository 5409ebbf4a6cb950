-- What the people used whose rows may be seen: one row per execution, under the same names. Sums of
-- money are of what is known, 0 without any, as in the rollups.
select
    metric_date,
    task_type,
    provider,
    model,
    baseline_provider,
    baseline_model,
    1 as total_tasks,
    case when status = 'completed' then 1 else 0 end as successful_tasks,
    case when status = 'failed' then 1 else 0 end as failed_tasks,
    case when is_timed_out then 1 else 0 end as timed_out_tasks,
    case when cost_usd is null then 1 else 0 end as unpriced_tasks,
    case when savings_status = 'compared' then 1 else 0 end as compared_tasks,
    coalesce(total_tokens, 0) as total_tokens,
    case when status = 'completed' and cost_usd is not null then 1 else 0 end as costed_tasks,
    case when status = 'completed' then coalesce(cost_usd, 0) else 0 end as total_cost_usd,
    case when status = 'failed' then coalesce(cost_usd, 0) else 0 end as failed_cost_usd,
    coalesce(cost_usd, 0) as total_spend_usd,
    case when savings_status = 'compared' then cost_usd else 0 end as compared_cost_usd,
    case when savings_status = 'compared' then baseline_cost_usd else 0 end
        as total_baseline_cost_usd,
    coalesce(savings_usd, 0) as total_savings_usd,
    coalesce(duration_ms, 0) as total_duration_ms,
    case when duration_ms is not null then 1 else 0 end as timed_tasks,
    case when quality_score is not null then 1 else 0 end as scored_tasks,
    coalesce(quality_score, 0) as total_quality_score
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    -- For the index: no time zone is further from UTC than this.
    and start_time >= cast(%(start_date)s as timestamp) at time zone 'UTC' - interval '1 day'
    and start_time < cast(%(end_date)s as timestamp) at time zone 'UTC' + interval '2 days'
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
