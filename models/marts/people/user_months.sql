-- Grain: one row per organization, user and month in the organization's reporting time zone;
-- executions without a user stand together under no user.

{{ config(materialized='view') }}

{{ user_periods('monthly') }}
