-- Grain: one row per organization, team and month in the organization's reporting time zone; what users
-- did counts for the team that they were in on the day, and stands under no team where none is known.

{{ config(materialized='view') }}

{{ team_periods('monthly') }}
