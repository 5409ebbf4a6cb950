-- Grain: one row per time that a rule was broken by an organization (where it is about one) in a
-- period: what builds noted, as it is now, and what has broken since the last of them.

{{ config(materialized='view') }}

{%- set columns = [
    'alert_id', 'dedup_key', 'rule', 'severity', 'organization_id', 'period', 'unit', 'observed',
    'threshold', 'first_seen_at', 'last_seen_at', 'resolved_at', 'resolution',
] | join(',\n        ') %}

with conditions as (

    select * from {{ ref('alert_conditions') }}

),

builds as (

    select max(ended_at) as last_ended_at
    from {{ ref('stg_warehouse__finished_builds') }}

),

episodes as (

    select * from {{ ref('alert_episodes') }}

),

open_alerts as (

    select * from episodes
    where resolved_at is null

),

present as (

    {{ present_alerts() }}

),

alerts as (

    select
        {{ columns }}
    from episodes
    where resolved_at is not null
    union all
    select
        {{ columns }}
    from present

),

final as (

    select
        *,
        resolved_at is null as is_open
    from alerts

)

select * from final
