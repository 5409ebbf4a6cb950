-- Grain: one row per priced execution and part of its cost: the arithmetic behind `cost_usd`.

{{ config(materialized='view') }}

with executions as (

    select
        *,
        {{ billed_tokens() }}
    from {{ ref('fct_task_executions') }}
    where pricing_status = 'priced'

),

prices as (

    select * from {{ ref('dim_prices') }}

),

final as (

    select
        executions.execution_id,
        executions.organization_id,
        executions.metric_date,
        lines.part,
        cast(lines.quantity as numeric(38, 12)) as quantity,
        lines.unit,
        cast(lines.usd_per_unit as numeric(26, 18)) as usd_per_unit,
        lines.cost_usd,
        executions.price_id
    from executions
    inner join prices on executions.price_id = prices.price_id
    {{ cost_lines('executions', 'prices') }}
    where lines.quantity > 0 and lines.usd_per_unit is not null

)

select * from final
