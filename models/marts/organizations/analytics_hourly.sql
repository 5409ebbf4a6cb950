-- Grain: one row per organization, hour, provider and task type. Hours are those of the reporting
-- time zone, so that each lies in one day; one in which that zone changed stands under two days.
-- Touched days are computed whole.
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('int_touched_organization_days') }}

{{
    config(
        incremental_strategy='replace_days',
        pre_hook=[
            '{{ open_intake() }}',
            '{{ collect_touched_days() }}',
            '{{ collect_touched_executions() }}',
        ],
        post_hook='{{ close_intake() }}',
        meta={'sealed': 'days'},
        indexes=[{'columns': ['organization_id', 'metric_date']}]
    )
}}

with executions as (

    select
        executions.*,
        {{ local_hour('executions.start_time', 'executions.reporting_timezone') }} as hour_start
    from {{ collected('touched_executions', ref('fct_task_executions')) }} as executions

),

hours as (

    select
        executions.organization_id,
        executions.hour_start,
        executions.metric_date,
        executions.provider,
        executions.task_type,
        {{ task_measures() }},
        {{ exact_percentile(0.5, 'executions.duration_ms') }} as p50_duration_ms,
        {{ exact_percentile(0.95, 'executions.duration_ms') }} as p95_duration_ms,
        {{ exact_percentile(0.99, 'executions.duration_ms') }} as p99_duration_ms
    from executions
    group by
        executions.organization_id,
        executions.hour_start,
        executions.metric_date,
        executions.provider,
        executions.task_type

),

final as (

    select
        {{ uuid_key([
            'hours.organization_id', utc_text('hours.hour_start'), 'hours.metric_date',
            'hours.provider', 'hours.task_type',
        ]) }} as id,
        hours.organization_id,
        hours.organization_id as tenant_id,
        hours.hour_start as timestamp,
        hours.metric_date,
        'hourly' as aggregation_period,
        hours.provider,
        hours.task_type,
        {{ measures('hours') }},
        hours.total_tasks as total_executions,
        hours.successful_tasks as successful_executions,
        {{ mean_ms('hours.total_duration_ms', 'hours.timed_tasks') }} as avg_duration_ms,
        hours.p50_duration_ms,
        hours.p95_duration_ms,
        hours.p99_duration_ms
    from hours

)

select * from final
