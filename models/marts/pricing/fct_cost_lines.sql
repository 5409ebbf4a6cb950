-- Grain: one row per priced execution and part of its cost: the arithmetic behind `cost_usd`.

{{ config(materialized='view') }}

-- Each import is read once, so that the lines of one execution are looked up by its key.
with executions as (

    select
        *,
        {{ billed_tokens() }}
    from {{ ref('fct_task_executions') }}
    where pricing_status = 'priced'

),

executions_with_others as (

    select *
    from {{ ref('fct_task_executions') }}
    where pricing_status = 'priced'

),

prices as (

    select * from {{ ref('dim_prices') }}

),

book_lines as (

    select
        executions.execution_id,
        executions.organization_id,
        executions.metric_date,
        lines.part,
        lines.quantity,
        lines.unit,
        lines.usd_per_unit,
        lines.cost_usd,
        lines.price_id
    from executions
    inner join prices on executions.price_id = prices.price_id
    {{ cost_lines('executions', 'prices') }}
    where lines.quantity > 0 and lines.usd_per_unit is not null

),

-- What has a price row of its own, as the facts computed it.
other_lines as (

    select
        executions_with_others.execution_id,
        executions_with_others.organization_id,
        executions_with_others.metric_date,
        {{ json_text('lines.line', 'usage') }} as part,
        {{ json_number('lines.line', 'numeric(38, 12)', 'quantity') }} as quantity,
        case
            when
                {{ json_text('lines.line', 'usage') }} in (
                    {%- for part in token_parts() %}
                    '{{ part }}'{{ ',' if not loop.last }}
                    {%- endfor %}
                )
                then 'token'
            else {{ json_text('lines.line', 'usage') }}
        end as unit,
        {{ json_number('lines.line', 'numeric', 'usd_per_unit') }} as usd_per_unit,
        {{ json_number('lines.line', 'numeric(20, 12)', 'cost_usd') }} as cost_usd,
        {{ json_text('lines.line', 'usage_price_id') }} as price_id
    from executions_with_others
    {{ json_array_entries('executions_with_others.other_costs', 'lines', 'line') }}

),

lines as (

    select * from book_lines
    union all
    select * from other_lines

),

final as (

    select
        execution_id,
        organization_id,
        metric_date,
        part,
        cast(quantity as numeric(38, 12)) as quantity,
        unit,
        cast(usd_per_unit as numeric(38, 24)) as usd_per_unit,
        cost_usd,
        price_id
    from lines

)

select * from final
