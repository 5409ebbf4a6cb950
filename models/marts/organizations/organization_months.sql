-- Grain: one row per organization and month in its reporting time zone.

{{ config(materialized='view') }}

{{ organization_periods('monthly') }}
