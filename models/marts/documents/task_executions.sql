-- Grain: one row per execution, under the column names of the platform's documents, so that the
-- queries published there run unchanged. Without a `with`, which would keep joins from looking
-- executions up through their indexes.

{{ config(materialized='view') }}

select
    execution_id as id,
    task_id,
    user_id,
    organization_id,
    task_type,
    code_language,
    provider,
    start_time,
    end_time,
    duration_ms,
    total_tokens as tokens_used,
    compute_units,
    cost_usd,
    baseline_cost_usd,
    savings_usd,
    cost_usd as actual_cost,
    baseline_cost_usd as baseline_cost,
    savings_usd as savings,
    'USD' as currency,
    status,
    case status when 'completed' then true when 'failed' then false end as success,
    routing_decision_id,
    updated_at
from {{ ref('fct_task_executions') }}
