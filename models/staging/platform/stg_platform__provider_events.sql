-- Grain: one row per landed event; it comes once for each version, and copies of it may come.

with events as (

    select * from {{ source('platform', 'provider_events') }}
    where {{ landed_as_of() }} and {{ of_tenant() }}

),

loads as (

    select * from {{ source('warehouse', 'loads') }}

),

final as (

    select
        events.event_id,
        events.id as provider_event_id,
        events.organization_id,
        events.event_type,
        events.occurred_at,
        events.updated_at,
        -- No source can know what is so after it was landed.
        least(events.updated_at, loads.landed_at) as believed_at,
        events.user_id,
        events.session_id,
        events.correlation_id,
        events.provider,
        events.model,
        events.agent_id,
        events.task_id,
        events.task_execution_id,
        events.duration_ms,
        cast(events.reported_cost_usd as numeric(28, 12)) as reported_cost_usd,
        events.is_successful,
        events.error_code,
        events.http_status,
        events.retry_after_ms,
        events.attempt,
        events._load_id,
        events._line_number
    from events
    left join loads on events._load_id = loads.load_id

)

select * from final
