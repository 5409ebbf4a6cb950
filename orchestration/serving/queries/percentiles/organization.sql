-- Percentiles of an organization's durations, within 1 %, of each type of task and each provider.
select
    task_type,
    provider,
    marts.duration_percentile(jsonb_object_agg(bucket, tasks), 0.5) as p50_duration_ms,
    marts.duration_percentile(jsonb_object_agg(bucket, tasks), 0.95) as p95_duration_ms
from (
    -- Counted here: adding many maps up takes far longer.
    select
        hours.task_type,
        hours.provider,
        buckets.bucket,
        sum(cast(buckets.tasks as bigint)) as tasks
    from marts.organization_hours as hours
    cross join jsonb_each_text(hours.durations) as buckets (bucket, tasks)
    where
        hours.organization_id = %(organization_id)s
        and hours.metric_date between %(start_date)s and %(end_date)s
        and (%(provider)s is null or hours.provider = %(provider)s)
        and (%(task_type)s is null or hours.task_type = %(task_type)s)
    group by grouping sets ((hours.task_type, buckets.bucket), (hours.provider, buckets.bucket))
) as counted
group by task_type, provider
