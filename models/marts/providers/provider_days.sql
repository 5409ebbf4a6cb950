-- Grain: one row per provider, model, task type and day in UTC.

{{ config(materialized='view') }}

{{ provider_periods('daily') }}
