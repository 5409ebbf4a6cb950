-- Grain: one row per pending execution. The one model that multiplies usage by prices: what it
-- cost, and what the same usage would have cost at the same moment under the baseline policy.

with usages as (

    select * from {{ ref('int_execution_usages') }}

),

-- Each import is read once: the planner knows the sizes of tables, and not of a `with` used twice.
prices as (

    select * from {{ ref('int_prices') }}

),

baseline_prices as (

    select * from {{ ref('int_prices') }}

),

priced as (

    select
        usages.*,
        prices.price_id,
        {{ pricing_status('usages', '') }} as usage_pricing_status,
        {{ usage_cost_usd('usages.billed_uncached_input_tokens', 'prices.input_usd_per_token') }}
            as uncached_input_cost_usd,
        {{ usage_cost_usd(
            'usages.billed_cached_input_tokens', 'prices.cached_input_usd_per_token'
        ) }} as cached_input_cost_usd,
        {{ usage_cost_usd(
            'usages.billed_cache_write_tokens', 'prices.cache_write_usd_per_token'
        ) }} as cache_write_cost_usd,
        {{ usage_cost_usd('usages.billed_output_tokens', 'prices.output_usd_per_token') }}
            as output_cost_usd,
        {{ usage_cost_usd('usages.request_count', 'prices.usd_per_request') }} as request_cost_usd,
        {{ minute_cost_usd('usages.duration_ms', 'prices.usd_per_minute') }} as minute_cost_usd,
        {{ usage_cost_usd('usages.compute_units', 'prices.usd_per_compute_unit') }}
            as compute_unit_cost_usd,
        {{ total_cost_usd('usages', 'prices') }} as usage_cost_usd,
        baseline_prices.price_id as baseline_price_id,
        {{ pricing_status('usages', 'baseline_') }} as usage_baseline_pricing_status,
        {{ total_cost_usd('usages', 'baseline_prices') }} as usage_baseline_cost_usd
    from usages
    {{ price_joins('usages', '') }}
    {{ price_joins('usages', 'baseline_') }}
    {{ compute_once() }}

),

costed as (

    select
        *,
        {{ known_pricing_status('usage_pricing_status', 'usage_cost_usd') }} as pricing_status,
        {{ known_cost_usd('usage_pricing_status', 'usage_cost_usd') }} as cost_usd,
        {{ known_pricing_status('usage_baseline_pricing_status', 'usage_baseline_cost_usd') }}
            as baseline_pricing_status,
        {{ known_cost_usd('usage_baseline_pricing_status', 'usage_baseline_cost_usd') }}
            as baseline_cost_usd
    from priced
    {{ compute_once() }}

),

compared as (

    select
        *,
        case
            when status <> 'completed' then 'not_completed'
            when cost_usd is null then 'cost_unknown'
            when baseline_cost_usd is null then 'baseline_unknown'
            else 'compared'
        end as savings_status
    from costed

),

final as (

    select
        execution_id,
        organization_id,
        user_id,
        task_id,
        task_type,
        code_language,
        request_type,
        provider,
        model,
        price_model,
        service_tier,
        status,
        status in ('pending', 'running')
        and end_time is null
        and start_time <= {{ warehouse_now() }} - interval '{{ var("timeout_minutes") }} minutes'
            as is_timed_out,
        error_code,
        session_id,
        correlation_id,
        agent_id,
        workflow_id,
        followed_decision_id as routing_decision_id,
        start_time,
        end_time,
        duration_ms,
        {{ local_date('start_time', 'reporting_timezone') }} as metric_date,
        reporting_timezone,
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        output_tokens,
        reasoning_tokens,
        tokens_used,
        coalesce(tokens_used, input_tokens + output_tokens, input_tokens, output_tokens)
            as total_tokens,
        compute_units,
        request_count,
        quality_score,
        price_id,
        pricing_status,
        cast(
            case when cost_usd is not null then uncached_input_cost_usd end as numeric(20, 12)
        ) as uncached_input_cost_usd,
        cast(
            case when cost_usd is not null then cached_input_cost_usd end as numeric(20, 12)
        ) as cached_input_cost_usd,
        cast(
            case when cost_usd is not null then cache_write_cost_usd end as numeric(20, 12)
        ) as cache_write_cost_usd,
        cast(
            case when cost_usd is not null then output_cost_usd end as numeric(20, 12)
        ) as output_cost_usd,
        cast(
            case when cost_usd is not null then request_cost_usd end as numeric(20, 12)
        ) as request_cost_usd,
        cast(
            case when cost_usd is not null then minute_cost_usd end as numeric(20, 12)
        ) as minute_cost_usd,
        cast(
            case when cost_usd is not null then compute_unit_cost_usd end as numeric(20, 12)
        ) as compute_unit_cost_usd,
        cost_usd,
        reported_cost_usd,
        baseline_policy,
        baseline_policy_id,
        baseline_provider,
        baseline_model,
        baseline_price_model,
        baseline_price_id,
        baseline_pricing_status,
        baseline_cost_usd,
        savings_status,
        cast(
            case when savings_status = 'compared' then baseline_cost_usd - cost_usd end
            as numeric(20, 12)
        ) as savings_usd,
        cast(routing_overhead_cost_usd as numeric(20, 12)) as routing_overhead_cost_usd,
        cast(
            case
                when savings_status = 'compared'
                    then baseline_cost_usd - cost_usd - routing_overhead_cost_usd
            end as numeric(20, 12)
        ) as net_savings_usd,
        event_id,
        updated_at
    from compared

)

select * from final
