-- Grain: one row per provider, model, task type and hour in UTC.

{{ config(materialized='view') }}

{{ provider_periods('hourly') }}
