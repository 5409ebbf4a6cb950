-- Grain: one row per execution and reason. The executions that the running build of
-- `fct_task_executions` computes; it fills the table before its own query and empties it
-- afterwards, in one transaction, so that the table is empty between builds. A table and not a
-- view, because its statistics are what lets the planner choose well between ten executions and ten
-- million.

{{ config(materialized='incremental', full_refresh=false) }}

select
    cast(null as uuid) as execution_id,
    cast(null as text) as reason
where false
