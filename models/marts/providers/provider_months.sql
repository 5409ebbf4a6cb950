-- Grain: one row per provider, model, task type and month in UTC.

{{ config(materialized='view') }}

{{ provider_periods('monthly') }}
