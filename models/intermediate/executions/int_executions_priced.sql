-- Grain: one row per pending execution. The one model that multiplies usage by prices: what it
-- cost, and what the same usage would have cost at the same moment under the organization's
-- baseline policy.

-- Each import is read once: the planner knows the sizes of tables, and not of a `with` used twice.
with prices as (

    select * from {{ ref('int_prices') }}

),

baseline_prices as (

    select * from {{ ref('int_prices') }}

),

model_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'model'

),

task_type_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'task_type'

),

service_tier_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'service_tier'

),

organization_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'organization'

),

baseline_model_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'model'

),

baseline_task_type_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'task_type'

),

baseline_service_tier_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'service_tier'

),

baseline_organization_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'organization'

),

model_aliases as (

    select * from {{ ref('int_model_aliases') }}

),

baseline_aliases as (

    select * from {{ ref('int_model_aliases') }}

),

baseline_policies as (

    select * from {{ ref('int_baseline_policies') }}

),

decisions as (

    select * from {{ ref('int_execution_decisions') }}

),

executions as (

    select
        executions.*,
        coalesce(organizations.timezone, 'UTC') as reporting_timezone,
        organizations.baseline_provider as organization_baseline_provider,
        organizations.baseline_model as organization_baseline_model,
        case
            when executions.end_time is not null
                then {{ duration_ms('executions.start_time', 'executions.end_time') }}
        end as duration_ms,
        executions.input_tokens
        - coalesce(executions.cached_input_tokens, 0)
        - coalesce(executions.cache_write_tokens, 0) as uncached_input_tokens,
        case
            when
                cast(executions.organization_id as text)
                in (select baseline_policies.organization_scope from baseline_policies)
                then cast(executions.organization_id as text)
            else '*'
        end as policy_scope
    from {{ ref('int_latest_executions') }} as executions
    left join {{ ref('int_organization_versions') }} as organizations
        on
            executions.organization_id = organizations.organization_id
            and executions.start_time >= organizations.valid_from
            and executions.start_time < organizations.valid_until

),

with_baselines as (

    select
        executions.*,
        cast(executions.duration_ms as numeric(28, 12)) / 60000 as duration_minutes,
        baseline_policies.policy as baseline_policy,
        baseline_policies.policy_id as baseline_policy_id,
        case
            when baseline_policies.policy = 'fixed' then baseline_policies.baseline_provider
            when baseline_policies.policy = 'organization_default'
                then executions.organization_baseline_provider
        end as baseline_provider,
        case
            when baseline_policies.policy = 'fixed' then baseline_policies.baseline_model
            when baseline_policies.policy = 'organization_default'
                then executions.organization_baseline_model
        end as baseline_model
    from executions
    left join baseline_policies
        on
            executions.policy_scope = baseline_policies.organization_scope
            and executions.start_time >= baseline_policies.valid_from
            and executions.start_time < baseline_policies.valid_until

),

with_price_names as (

    select
        with_baselines.*,
        coalesce(model_aliases.model, with_baselines.model) as price_model,
        coalesce(baseline_aliases.model, with_baselines.baseline_model) as baseline_price_model
    from with_baselines
    left join model_aliases
        on
            with_baselines.provider = model_aliases.provider
            and with_baselines.model = model_aliases.alias
    left join baseline_aliases
        on
            with_baselines.baseline_provider = baseline_aliases.provider
            and with_baselines.baseline_model = baseline_aliases.alias

),

-- What the price book does not name falls under its `*`.
usages as (

    select
        with_price_names.*,
        model_scopes.first_price_from,
        coalesce(model_scopes.scope, '*') as model_scope,
        coalesce(task_type_scopes.scope, '*') as task_type_scope,
        coalesce(service_tier_scopes.scope, '*') as service_tier_scope,
        coalesce(organization_scopes.scope, '*') as organization_scope,
        baseline_model_scopes.first_price_from as baseline_first_price_from,
        coalesce(baseline_model_scopes.scope, '*') as baseline_model_scope,
        coalesce(baseline_task_type_scopes.scope, '*') as baseline_task_type_scope,
        coalesce(baseline_service_tier_scopes.scope, '*') as baseline_service_tier_scope,
        coalesce(baseline_organization_scopes.scope, '*') as baseline_organization_scope
    from with_price_names
    left join model_scopes
        on
            with_price_names.provider = model_scopes.provider
            and with_price_names.price_model = model_scopes.scope
    left join task_type_scopes
        on
            with_price_names.provider = task_type_scopes.provider
            and with_price_names.task_type = task_type_scopes.scope
    left join service_tier_scopes
        on
            with_price_names.provider = service_tier_scopes.provider
            and with_price_names.service_tier = service_tier_scopes.scope
    left join organization_scopes
        on
            with_price_names.provider = organization_scopes.provider
            and cast(with_price_names.organization_id as text) = organization_scopes.scope
    left join baseline_model_scopes
        on
            with_price_names.baseline_provider = baseline_model_scopes.provider
            and with_price_names.baseline_price_model = baseline_model_scopes.scope
    left join baseline_task_type_scopes
        on
            with_price_names.baseline_provider = baseline_task_type_scopes.provider
            and with_price_names.task_type = baseline_task_type_scopes.scope
    left join baseline_service_tier_scopes
        on
            with_price_names.baseline_provider = baseline_service_tier_scopes.provider
            and with_price_names.service_tier = baseline_service_tier_scopes.scope
    left join baseline_organization_scopes
        on
            with_price_names.baseline_provider = baseline_organization_scopes.provider
            and cast(with_price_names.organization_id as text) = baseline_organization_scopes.scope

),

priced as (

    select
        usages.*,
        prices.price_id,
        baseline_prices.price_id as baseline_price_id,
        {{ pricing_status('prices', 'usages', '') }}
            as usage_pricing_status,
        {{ token_cost_usd('usages.uncached_input_tokens', 'prices.input_usd_per_mtok') }}
            as uncached_input_cost_usd,
        {{ token_cost_usd('usages.cached_input_tokens', 'prices.cached_input_usd_per_mtok') }}
            as cached_input_cost_usd,
        {{ token_cost_usd('usages.cache_write_tokens', 'prices.cache_write_usd_per_mtok') }}
            as cache_write_cost_usd,
        {{ token_cost_usd('usages.output_tokens', 'prices.output_usd_per_mtok') }}
            as output_cost_usd,
        {{ unit_cost_usd('usages.request_count', 'prices.usd_per_request') }} as request_cost_usd,
        {{ unit_cost_usd('usages.duration_minutes', 'prices.usd_per_minute') }}
            as minute_cost_usd,
        {{ unit_cost_usd('usages.compute_units', 'prices.usd_per_compute_unit') }}
            as compute_unit_cost_usd,
        case
            when usages.baseline_provider is null then 'no_baseline'
            else
                {{ pricing_status('baseline_prices', 'usages', 'baseline_') }}
        end as usage_baseline_pricing_status,
        {{ usage_cost_usd('baseline_prices', 'usages') }} as usage_baseline_cost_usd
    from usages
    left join prices
        on
            {{ price_matches('prices', 'usages', '') }}
    left join baseline_prices
        on
            {{ price_matches('baseline_prices', 'usages', 'baseline_') }}
    {{ compute_once() }}

),

summed as (

    select
        *,
        uncached_input_cost_usd
        + cached_input_cost_usd
        + cache_write_cost_usd
        + output_cost_usd
        + request_cost_usd
        + minute_cost_usd
        + compute_unit_cost_usd as usage_cost_usd
    from priced
    {{ compute_once() }}

),

-- A cost that the column cannot hold is a mistake in the usage or the price: unknown, and said so.
judged as (

    select
        *,
        case
            when usage_pricing_status = 'priced' and usage_cost_usd > {{ max_cost_usd() }}
                then 'cost_out_of_range'
            else usage_pricing_status
        end as pricing_status,
        case
            when
                usage_baseline_pricing_status = 'priced'
                and usage_baseline_cost_usd > {{ max_cost_usd() }}
                then 'cost_out_of_range'
            else usage_baseline_pricing_status
        end as baseline_pricing_status
    from summed
    {{ compute_once() }}

),

with_decisions as (

    select
        judged.*,
        coalesce(judged.routing_decision_id, naming.routing_decision_id)
            as followed_decision_id,
        -- 0 where no decision was taken or another attempt bears it; NULL where it is not known.
        case
            when coalesce(judged.routing_decision_id, naming.routing_decision_id) is null then 0
            when judged.routing_decision_id is null then naming.routing_overhead_cost_usd
            when followed.execution_id <> judged.execution_id then 0
            when followed.execution_id is null and judged.attempt_of_decision > 1 then 0
            else followed.routing_overhead_cost_usd
        end as routing_overhead_cost_usd
    from judged
    left join decisions as followed
        on judged.routing_decision_id = followed.routing_decision_id
    left join decisions as naming
        on
            judged.execution_id = naming.execution_id
            and naming.is_latest_for_execution

),

costed as (

    select
        *,
        cast(case when pricing_status = 'priced' then usage_cost_usd end as numeric(20, 12))
            as cost_usd,
        cast(
            case when baseline_pricing_status = 'priced' then usage_baseline_cost_usd end
            as numeric(20, 12)
        ) as baseline_cost_usd
    from with_decisions

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
        coalesce(tokens_used, input_tokens + output_tokens, input_tokens, output_tokens)
            as total_tokens,
        compute_units,
        request_count,
        quality_score,
        price_id,
        pricing_status,
        cast(
            case when pricing_status = 'priced' then uncached_input_cost_usd end as numeric(20, 12)
        ) as uncached_input_cost_usd,
        cast(
            case when pricing_status = 'priced' then cached_input_cost_usd end as numeric(20, 12)
        ) as cached_input_cost_usd,
        cast(
            case when pricing_status = 'priced' then cache_write_cost_usd end as numeric(20, 12)
        ) as cache_write_cost_usd,
        cast(
            case when pricing_status = 'priced' then output_cost_usd end as numeric(20, 12)
        ) as output_cost_usd,
        cast(
            case when pricing_status = 'priced' then request_cost_usd end as numeric(20, 12)
        ) as request_cost_usd,
        cast(
            case when pricing_status = 'priced' then minute_cost_usd end as numeric(20, 12)
        ) as minute_cost_usd,
        cast(
            case when pricing_status = 'priced' then compute_unit_cost_usd end as numeric(20, 12)
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
