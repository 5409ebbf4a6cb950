-- Grain: one row per build and execution whose published cost, baseline or savings that build
-- changed. Only ever added to: the sum of the deltas is the new total less the old one.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_touched_organization_days') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='correction_id',
        pre_hook='{{ open_intake() }}',
        post_hook='{{ close_intake() }}',
        indexes=[
            {'columns': ['organization_id', 'metric_date']},
            {'columns': ['execution_id']},
        ]
    )
}}

with changes as (

    select *
    from {{ ref('int_cost_changes') }}
    where invocation_id in ({{ pending_runs() }})

),

final as (

    select
        {{ surrogate_key(['invocation_id', 'execution_id']) }} as correction_id,
        invocation_id,
        changed_at as corrected_at,
        execution_id,
        organization_id,
        metric_date,
        reason,
        old_cost_usd,
        new_cost_usd,
        cast(coalesce(new_cost_usd, 0) - coalesce(old_cost_usd, 0) as numeric(20, 12))
            as cost_delta_usd,
        old_baseline_cost_usd,
        new_baseline_cost_usd,
        cast(
            coalesce(new_baseline_cost_usd, 0) - coalesce(old_baseline_cost_usd, 0)
            as numeric(20, 12)
        ) as baseline_cost_delta_usd,
        old_savings_usd,
        new_savings_usd,
        cast(coalesce(new_savings_usd, 0) - coalesce(old_savings_usd, 0) as numeric(20, 12))
            as savings_delta_usd,
        old_pricing_status,
        new_pricing_status,
        old_price_id,
        new_price_id,
        old_baseline_price_id,
        new_baseline_price_id
    from changes

)

select * from final
