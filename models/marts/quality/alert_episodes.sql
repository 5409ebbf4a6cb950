-- Grain: one row per time that a condition was broken, from the build that noted it to the one that
-- found it right again. A full refresh keeps them: when something was seen cannot be computed anew.

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='alert_id',
        full_refresh=(true if var('as_of', '') else false),
        indexes=[{'columns': ['resolved_at']}]
    )
}}

with conditions as (

    select * from {{ ref('alert_conditions') }}

),

builds as (

    select max(ended_at) as last_ended_at
    from {{ ref('stg_warehouse__finished_builds') }}

),

open_alerts as (

    {% if is_incremental() %}
    select * from {{ this }}
    where resolved_at is null
    {% else %}
    select
        conditions.*,
        cast(null as text) as alert_id,
        conditions.observed_at as first_seen_at
    from conditions
    where false
    {% endif %}

),

present as (

    {{ present_alerts() }}

),

final as (

    select *
    from present
    where
        resolved_at is not null
        or alert_id not in (select open_alerts.alert_id from open_alerts)

)

select * from final
