-- Grain: one row per affected execution. The one model that multiplies usage by prices: what it
-- cost, and what the same usage would have cost at the same moment under the baseline policy in
-- force and under each of the others.

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

{% for policy in baseline_policies_of_usage() %}
{{ policy }}_prices as (

    select * from {{ ref('int_prices') }}

),

{% endfor %}

priced as (

    select
        usages.*,
        prices.price_id,
        {{ pricing_status('usages', '') }} as usage_pricing_status,
        factors.price_factors,
        factors.other_costs,
        {%- for part in ['uncached_input', 'cached_input', 'cache_write', 'output'] %}
        {{ usage_cost_usd(
            'usages.billed_' ~ part ~ '_tokens',
            'prices.' ~ ('input' if part == 'uncached_input' else part) ~ '_usd_per_token',
            'factors.per_token'
        ) }} as {{ part }}_cost_usd,
        {%- endfor %}
        {{ usage_cost_usd('usages.request_count', 'prices.usd_per_request', 'factors.per_unit') }}
            as request_cost_usd,
        {{ minute_cost_usd('usages.duration_ms', 'prices.usd_per_minute', 'factors.per_unit') }}
            as minute_cost_usd,
        {{ usage_cost_usd(
            'usages.compute_units', 'prices.usd_per_compute_unit', 'factors.per_unit'
        ) }} as compute_unit_cost_usd,
        factors.other_cost_usd,
        {{ total_cost_usd('usages', 'prices', 'factors', 'factors.other_cost_usd') }}
            as usage_cost_usd,
        {%- for policy in baseline_policies_of_usage() %}
        {{ pricing_status('usages', policy ~ '_') }} as usage_{{ policy }}_pricing_status,
        {{ total_cost_usd(
            'usages', policy ~ '_prices', policy ~ '_factors', policy ~ '_factors.other_cost_usd'
        ) }} as usage_{{ policy }}_cost_usd,
        {%- endfor %}
        baseline_prices.price_id as baseline_price_id,
        baseline_factors.price_factors as baseline_price_factors,
        baseline_factors.other_costs as baseline_other_costs,
        {{ pricing_status('usages', 'baseline_') }} as usage_baseline_pricing_status,
        {{ total_cost_usd(
            'usages', 'baseline_prices', 'baseline_factors', 'baseline_factors.other_cost_usd'
        ) }} as usage_baseline_cost_usd
    from usages
    {{ price_joins('usages', '') }}
    {{ price_joins('usages', 'baseline_') }}
    {%- for policy in baseline_policies_of_usage() %}
    {{ price_joins('usages', policy ~ '_') }}
    {%- endfor %}
    {{ price_lookups('usages', '') }}
    {{ price_lookups('usages', 'baseline_') }}
    {%- for policy in baseline_policies_of_usage() %}
    {{ price_lookups('usages', policy ~ '_') }}
    {%- endfor %}
    {{ compute_once() }}

),

costed as (

    select
        *,
        {{ known_pricing_status('usage_pricing_status', 'usage_cost_usd') }} as pricing_status,
        {{ known_cost_usd('usage_pricing_status', 'usage_cost_usd') }} as cost_usd,
        {%- for policy in baseline_policies_of_usage() %}
        {{ known_cost_usd('usage_' ~ policy ~ '_pricing_status', 'usage_' ~ policy ~ '_cost_usd') }}
            as {{ policy }}_cost_usd,
        {%- endfor %}
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
        region,
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
        {{ attribution_columns() }},
        followed_decision_id as routing_decision_id,
        start_time,
        end_time,
        duration_ms,
        {{ local_date('start_time', 'reporting_timezone') }} as metric_date,
        reporting_timezone,
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        cache_write_1h_tokens,
        audio_input_tokens,
        image_input_tokens,
        output_tokens,
        reasoning_tokens,
        audio_output_tokens,
        image_output_tokens,
        tokens_used,
        coalesce(tokens_used, input_tokens + output_tokens, input_tokens, output_tokens)
            as total_tokens,
        compute_units,
        request_count,
        other_usage,
        is_bucket,
        is_gateway_cache_hit,
        quality_score,
        price_id,
        pricing_status,
        price_factors,
        other_costs,
        {{ known_part_usd('uncached_input_cost_usd') }} as uncached_input_cost_usd,
        {{ known_part_usd('cached_input_cost_usd') }} as cached_input_cost_usd,
        {{ known_part_usd('cache_write_cost_usd') }} as cache_write_cost_usd,
        {{ known_part_usd('output_cost_usd') }} as output_cost_usd,
        {{ known_part_usd('request_cost_usd') }} as request_cost_usd,
        {{ known_part_usd('minute_cost_usd') }} as minute_cost_usd,
        {{ known_part_usd('compute_unit_cost_usd') }} as compute_unit_cost_usd,
        {{ known_part_usd('other_cost_usd') }} as other_cost_usd,
        cost_usd,
        reported_cost_usd,
        baseline_policy,
        baseline_policy_id,
        baseline_provider,
        baseline_model,
        baseline_price_model,
        baseline_price_id,
        baseline_price_factors,
        baseline_other_costs,
        baseline_pricing_status,
        baseline_cost_usd,
        decision_baseline_provider,
        decision_baseline_model,
        dearest_alternative_provider as most_expensive_alternative_provider,
        dearest_alternative_model as most_expensive_alternative_model,
        {%- for policy in baseline_policies_of_usage() %}
        case
            when baseline_policy = '{{ policy }}' then baseline_cost_usd
            else {{ policy }}_cost_usd
        end as {{ policy }}_baseline_cost_usd,
        {%- endfor %}
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
