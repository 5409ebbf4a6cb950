-- Grain: one row per execution of a day that does not reconcile and pair of layers that do not show
-- it alike. Where a day differs and none of its executions is listed, a rollup differs alone.
-- depends_on: {{ ref('int_processed_loads') }}

{{ config(materialized='view') }}

with different_days as (

    select distinct
        organization_id,
        metric_date
    from {{ ref('reconciled_days') }}
    where not is_equal

),

facts as (

    select
        executions.*,
        {{ sum_of_token_parts() }} as part_tokens,
        {{ json_object_sum('executions.other_usage') }} as other_units,
        {{ sum_of_cost_parts('executions') }} as cost_of_parts_usd
    from different_days
    inner join {{ ref('fct_task_executions') }} as executions
        on
            different_days.organization_id = executions.organization_id
            and different_days.metric_date = executions.metric_date
            -- No zone is further from UTC than a day; so they are looked up by their start.
            and executions.start_time >= {{ utc_midnight('different_days.metric_date - 1') }}
            and executions.start_time < {{ utc_midnight('different_days.metric_date + 2') }}

),

executions_of_days as (

    select distinct events.execution_id
    from different_days
    inner join {{ ref('stg_platform__task_executions') }} as events
        on
            different_days.organization_id = events.organization_id
            and events.start_time >= {{ utc_midnight('different_days.metric_date - 1') }}
            and events.start_time < {{ utc_midnight('different_days.metric_date + 2') }}

),

{{ latest_landed_executions('executions_of_days') }},

landed as (

    select latest_versions.*
    from latest_versions
    inner join different_days
        on
            latest_versions.organization_id = different_days.organization_id
            and latest_versions.metric_date = different_days.metric_date

),

beside_landed as (

    select
        'staging_to_facts' as comparison,
        coalesce(landed.organization_id, facts.organization_id) as organization_id,
        coalesce(landed.metric_date, facts.metric_date) as metric_date,
        coalesce(landed.execution_id, facts.execution_id) as execution_id,
        landed.total_tokens as upstream_tokens,
        facts.total_tokens as downstream_tokens,
        landed.reported_cost_usd as upstream_usd,
        facts.reported_cost_usd as downstream_usd,
        {{ differing_measures('landed', 'facts', [
            'organization_id', 'metric_date', 'status', 'total_tokens', 'input_tokens',
            'cached_input_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens',
            'tokens_used', 'part_tokens', 'compute_units', 'request_count', 'other_units',
            'quality_score', 'reported_cost_usd',
            'time_to_first_token_ms',
        ]) }} as differing_measures
    from landed
    full outer join facts on landed.execution_id = facts.execution_id

),

beside_parts as (

    select
        'facts_to_cost_lines' as comparison,
        organization_id,
        metric_date,
        execution_id,
        total_tokens as upstream_tokens,
        total_tokens as downstream_tokens,
        cost_usd as upstream_usd,
        cost_of_parts_usd as downstream_usd,
        nullif(
            concat_ws(
                ', ',
                case when cost_usd <> cost_of_parts_usd then 'cost_usd' end,
                case when savings_usd <> baseline_cost_usd - cost_usd then 'savings_usd' end,
                case
                    when net_savings_usd <> baseline_cost_usd - cost_usd - routing_overhead_cost_usd
                        then 'net_savings_usd'
                end
            ),
            ''
        ) as differing_measures
    from facts

),

final as (

    select * from beside_landed
    union all
    select * from beside_parts

)

select
    comparison,
    organization_id,
    metric_date,
    execution_id,
    upstream_tokens,
    downstream_tokens,
    cast(upstream_usd as numeric(28, 12)) as upstream_usd,
    cast(downstream_usd as numeric(28, 12)) as downstream_usd,
    differing_measures
from final
where differing_measures is not null
