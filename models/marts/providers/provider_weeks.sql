-- Grain: one row per provider, model, task type and week in UTC.

{{ config(materialized='view') }}

{{ provider_periods('weekly') }}
