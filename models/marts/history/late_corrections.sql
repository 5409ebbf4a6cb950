-- Grain: one row per build and execution about which something arrived after its day was sealed.
-- The sealed day keeps its figures; with these deltas they are what they would be otherwise. Only
-- ever added to.
-- depends_on: {{ ref('fct_task_executions') }}

{{
    config(
        incremental_strategy='append',
        indexes=[
            {'columns': ['organization_id', 'metric_date']},
            {'columns': ['execution_id']},
        ]
    )
}}

with changes as (

    select
        *,
        {{ surrogate_key(['invocation_id', 'execution_id']) }} as correction_id
    from {{ ref('int_late_changes') }}

),

final as (

    select
        correction_id,
        invocation_id,
        changed_at as corrected_at,
        organization_id,
        metric_date,
        execution_id,
        event_id,
        updated_at,
        is_new as is_new_execution,
        case when is_new then 1 else 0 end as tasks_delta,
        old_status,
        new_status,
        old_pricing_status,
        new_pricing_status,
        cast(
            coalesce(new_total_tokens, 0) - coalesce(old_total_tokens, 0) as numeric(28, 0)
        ) as tokens_delta,
        old_cost_usd,
        new_cost_usd,
        cast(coalesce(new_cost_usd, 0) - coalesce(old_cost_usd, 0) as numeric(20, 12))
            as spend_delta_usd,
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
        old_net_savings_usd,
        new_net_savings_usd,
        cast(
            coalesce(new_net_savings_usd, 0) - coalesce(old_net_savings_usd, 0) as numeric(20, 12)
        ) as net_savings_delta_usd
    from changes
    {% if is_incremental() %}
    where correction_id not in (select known.correction_id from {{ this }} as known)
    {% endif %}

)

select * from final
