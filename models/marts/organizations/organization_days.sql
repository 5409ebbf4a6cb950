-- Grain: one row per organization and day in its reporting time zone.

{{ config(materialized='view') }}

{{ organization_periods('daily') }}
