-- Grain: one row per build, execution and sign. The log of what builds of the facts changed: an
-- execution as it was with the sign -1, and as it is with +1. Written by `fct_task_executions` in
-- the transaction that changes its rows; here it is only created.

{{ config(materialized='incremental', full_refresh=false, indexes=[{'columns': ['build_id']}]) }}

select
    cast(null as bigint) as build_id,
    cast(null as smallint) as sign,
    cast(null as uuid) as execution_id,
    cast(null as uuid) as event_id,
    cast(null as uuid) as organization_id,
    cast(null as uuid) as user_id,
    cast(null as text) as task_id,
    cast(null as uuid) as routing_decision_id,
    cast(null as date) as metric_date,
    cast(null as text) as reporting_timezone,
    cast(null as timestamptz) as start_time,
    cast(null as text) as provider,
    cast(null as text) as model,
    cast(null as text) as price_model,
    cast(null as text) as task_type,
    cast(null as text) as code_language,
    cast(null as text) as status,
    cast(null as boolean) as is_timed_out,
    cast(null as bigint) as duration_ms,
    cast(null as numeric(28, 12)) as request_count,
    cast(null as bigint) as input_tokens,
    cast(null as bigint) as output_tokens,
    cast(null as bigint) as total_tokens,
    cast(null as numeric(13, 12)) as quality_score,
    cast(null as text) as pricing_status,
    cast(null as numeric(20, 12)) as cost_usd,
    cast(null as text) as baseline_provider,
    cast(null as text) as baseline_model,
    cast(null as text) as baseline_price_model,
    cast(null as text) as baseline_pricing_status,
    cast(null as numeric(20, 12)) as baseline_cost_usd,
    cast(null as text) as savings_status,
    cast(null as numeric(20, 12)) as savings_usd,
    cast(null as numeric(20, 12)) as routing_overhead_cost_usd,
    cast(null as numeric(20, 12)) as net_savings_usd,
    cast(null as text) as baseline_policy,
    cast(null as numeric(20, 12)) as organization_default_baseline_cost_usd,
    cast(null as numeric(20, 12)) as decision_recorded_baseline_cost_usd,
    cast(null as numeric(20, 12)) as most_expensive_alternative_baseline_cost_usd,
    cast(null as numeric(20, 12)) as fixed_baseline_cost_usd
where false
