-- Grain: one row per landed event; it comes once for each version, and copies of it may come.

with events as (

    select * from {{ source('platform', 'web_events') }}
    where {{ landed_as_of() }} and {{ of_tenant() }}

),

loads as (

    select * from {{ source('warehouse', 'loads') }}

),

final as (

    select
        events.event_id,
        events.id as web_event_id,
        events.organization_id,
        events.event_type,
        events.occurred_at,
        events.updated_at,
        -- No source can know what is so after it was landed.
        least(events.updated_at, loads.landed_at) as believed_at,
        events.user_id,
        events.session_id,
        events.correlation_id,
        events.page,
        events.visitor_id,
        events.element,
        events.scroll_depth_percent,
        events.traffic_source,
        events.device,
        events.utm_source,
        events.utm_medium,
        events.utm_campaign,
        events._load_id,
        events._line_number
    from events
    left join loads on events._load_id = loads.load_id

)

select * from final
