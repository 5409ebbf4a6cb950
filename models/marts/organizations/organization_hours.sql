-- Grain: one row per organization, hour, provider and task type. Hours are those of the reporting
-- time zone, so that each lies in one day; one in which that zone changed stands under two days.

{{ config(materialized='view') }}

with hours as (

    select * from {{ ref('int_organization_hours') }}

),

organizations as (

    select * from {{ ref('dim_organizations') }}

),

final as (

    select
        hours.organization_id,
        organizations.organization_name,
        hours.hour_start,
        hours.metric_date,
        hours.provider,
        hours.task_type,
        {{ measures('hours') }},
        {{ mean_ms('hours.total_duration_ms', 'hours.timed_tasks') }} as avg_duration_ms,
        {%- for name, share in {'p50': 0.5, 'p95': 0.95, 'p99': 0.99}.items() %}
        {{ duration_percentile('hours.durations', share) }} as {{ name }}_duration_ms,
        {%- endfor %}
        hours.durations
    from hours
    left join organizations on hours.organization_id = organizations.organization_id

)

select * from final
