-- Grain: one row per organization, day and bucket of durations that occurred. Histograms of days
-- add up to those of any longer time, and outlive the executions.
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
        post_hook=['{{ create_duration_percentile() }}', '{{ close_intake() }}'],
        meta={'sealed': 'days'}
    )
}}

with executions as (

    select * from {{ collected('touched_executions', ref('fct_task_executions')) }}

),

bucketed as (

    select
        organization_id,
        metric_date,
        {{ duration_bucket('duration_ms') }} as duration_bucket
    from executions
    where duration_ms is not null

),

final as (

    select
        organization_id,
        metric_date,
        duration_bucket,
        count(*) as timed_tasks
    from bucketed
    group by organization_id, metric_date, duration_bucket

)

select * from final
