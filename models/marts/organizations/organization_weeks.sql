-- Grain: one row per organization and week in its reporting time zone.

{{ config(materialized='view') }}

{{ organization_periods('weekly') }}
