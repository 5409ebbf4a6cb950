-- Grain: one row per organization, hour, provider and task type: `organization_hours` under the
-- names of the platform's documents.

{{ config(materialized='view') }}

with hours as (

    select * from {{ ref('organization_hours') }}

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
        hours.avg_duration_ms,
        hours.p50_duration_ms,
        hours.p95_duration_ms,
        hours.p99_duration_ms
    from hours

)

select * from final
