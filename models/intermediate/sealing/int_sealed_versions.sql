-- Grain: one row per execution that belongs to a sealed day and version of it that was counted: the
-- one that was sealed, and those that came later.

with sealed as (

    select * from {{ ref('stg_warehouse__sealed_executions') }}

),

late as (

    select * from {{ ref('int_late_changes') }}

),

final as (

    select
        execution_id,
        organization_id,
        metric_date,
        event_id,
        updated_at,
        status,
        pricing_status,
        total_tokens,
        cost_usd,
        baseline_cost_usd,
        savings_usd,
        net_savings_usd,
        sealed_at as counted_at
    from sealed
    union all
    select
        execution_id,
        organization_id,
        metric_date,
        event_id,
        updated_at,
        new_status as status,
        new_pricing_status as pricing_status,
        new_total_tokens as total_tokens,
        new_cost_usd as cost_usd,
        new_baseline_cost_usd as baseline_cost_usd,
        new_savings_usd as savings_usd,
        new_net_savings_usd as net_savings_usd,
        changed_at as counted_at
    from late

)

select * from final
