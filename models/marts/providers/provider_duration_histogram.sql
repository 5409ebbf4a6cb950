-- Grain: one row per provider, model, task type, day in UTC and bucket of durations that occurred.
-- Histograms of days add up to those of any longer time, and outlive the executions.
-- depends_on: {{ ref('int_touched_provider_days') }}
-- depends_on: {{ ref('stg_platform__seals') }}

{{
    config(
        incremental_strategy='replace_days',
        pre_hook=[
            '{{ open_intake() }}',
            "{{ collect_touched_days('provider') }}",
            "{{ collect_touched_executions('provider') }}",
        ],
        post_hook='{{ close_intake() }}',
        meta={'unit': 'provider', 'sealed': 'days'},
        indexes=[
            {'columns': ['provider', 'task_type', 'metric_date']},
            {'columns': ['task_type', 'metric_date']},
        ]
    )
}}

with executions as (

    select * from {{ collected('touched_executions', ref('fct_task_executions')) }}

),

bucketed as (

    select
        provider,
        model,
        task_type,
        {{ local_date('start_time', "'UTC'") }} as metric_date,
        {{ duration_bucket('duration_ms') }} as duration_bucket
    from executions
    where duration_ms is not null

),

final as (

    select
        {{ uuid_key([
            'provider', 'model', 'task_type', 'metric_date', 'duration_bucket'
        ]) }} as id,
        provider,
        model,
        task_type,
        metric_date,
        duration_bucket,
        count(*) as timed_tasks
    from bucketed
    group by provider, model, task_type, metric_date, duration_bucket

)

select * from final
