-- Percentiles of people's durations, of each type of task and each provider.
select
    task_type,
    provider,
    percentile_disc(0.5) within group (order by duration_ms) as p50_duration_ms,
    percentile_disc(0.95) within group (order by duration_ms) as p95_duration_ms
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    -- For the index: no time zone is further from UTC than this.
    and start_time >= cast(%(start_date)s as timestamp) at time zone 'UTC' - interval '1 day'
    and start_time < cast(%(end_date)s as timestamp) at time zone 'UTC' + interval '2 days'
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
    and duration_ms is not null
group by grouping sets ((task_type), (provider))
