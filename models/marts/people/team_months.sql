-- Grain: one row per organization, team and month in the organization's reporting time zone. What
-- somebody did counts for the team of that day, and stands under no team where none is known.

{{ config(materialized='view') }}

{{ team_periods('monthly') }}
