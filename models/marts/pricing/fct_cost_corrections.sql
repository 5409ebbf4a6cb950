-- Grain: one row per build and execution whose published cost, baseline or savings that build
-- changed. Only ever added to: the sum of the deltas is the new total less the old one.
-- depends_on: {{ ref('fct_task_executions') }}, which writes the changes

{{ config(materialized='view') }}

with changes as (

    select * from {{ ref('int_cost_changes') }}

)

select
    {{ surrogate_key(['invocation_id', 'execution_id']) }} as correction_id,
    invocation_id,
    changed_at as corrected_at,
    execution_id,
    organization_id,
    metric_date,
    reason,
    {% for amount in ['cost', 'baseline_cost', 'savings'] %}
    old_{{ amount }}_usd,
    new_{{ amount }}_usd,
    cast(coalesce(new_{{ amount }}_usd, 0) - coalesce(old_{{ amount }}_usd, 0) as numeric(20, 12))
        as {{ amount }}_delta_usd,
    {% endfor %}
    old_pricing_status,
    new_pricing_status,
    old_price_id,
    new_price_id,
    old_baseline_price_id,
    new_baseline_price_id
from changes
