-- Grain: one row per affected execution: what was used, in parts that do not overlap, what the
-- organization's baseline policy and each of the others compare it with, and under what all of
-- these stand in the price book.

with latest_executions as (

    select * from {{ ref('int_latest_executions') }}

),

organizations as (

    select * from {{ ref('int_organization_versions') }}

),

decisions as (

    select * from {{ ref('int_execution_decisions') }}

),

-- Each import is read once: the planner knows the sizes of tables, and not of a `with` used twice.
own_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'headline' and organization_id is not null

),

common_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'headline' and organization_id is null

),

-- A fixed baseline is also compared with where a policy of another kind is in force.
own_fixed_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'fixed' and organization_id is not null

),

common_fixed_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'fixed' and organization_id is null

),

price_names as (

    select * from {{ ref('int_price_names') }}

),

price_providers as (

    select * from {{ ref('int_price_providers') }}

),

baseline_price_names as (

    select * from {{ ref('int_price_names') }}

),

baseline_price_providers as (

    select * from {{ ref('int_price_providers') }}

),

{% for policy in baseline_policies_of_usage() %}
{{ policy }}_price_names as (

    select * from {{ ref('int_price_names') }}

),

{{ policy }}_price_providers as (

    select * from {{ ref('int_price_providers') }}

),

{% endfor %}

joined as (

    select
        latest_executions.*,
        -- What sums a provider's day sums a day in UTC, in whatever zone the organization reports.
        case
            when latest_executions.is_bucket then 'UTC'
            else coalesce(organizations.timezone, 'UTC')
        end as reporting_timezone,
        coalesce(latest_executions.routing_decision_id, naming.routing_decision_id)
            as followed_decision_id,
        -- 0 where no decision was taken or another attempt bears it; NULL where it is not known.
        case
            when coalesce(latest_executions.routing_decision_id, naming.routing_decision_id) is null
                then 0
            when latest_executions.routing_decision_id is null then naming.routing_overhead_cost_usd
            when followed.execution_id <> latest_executions.execution_id then 0
            when followed.execution_id is null and latest_executions.attempt_of_decision > 1 then 0
            else followed.routing_overhead_cost_usd
        end as routing_overhead_cost_usd,
        coalesce(own_policies.policy, common_policies.policy) as baseline_policy,
        coalesce(own_policies.policy_id, common_policies.policy_id) as baseline_policy_id,
        {{ baseline_source_columns() }},
        coalesce(followed.baseline_provider, naming.baseline_provider)
            as decision_baseline_provider,
        coalesce(followed.baseline_model, naming.baseline_model) as decision_baseline_model,
        coalesce(followed.dearest_alternative_provider, naming.dearest_alternative_provider)
            as dearest_alternative_provider,
        coalesce(followed.dearest_alternative_model, naming.dearest_alternative_model)
            as dearest_alternative_model
    from latest_executions
    -- Another organization's decision is none.
    left join decisions as followed
        on
            latest_executions.routing_decision_id = followed.routing_decision_id
            and latest_executions.organization_id = followed.organization_id
    left join decisions as naming
        on
            latest_executions.routing_decision_id is null
            and latest_executions.execution_id = naming.execution_id
            and latest_executions.organization_id = naming.organization_id
            and naming.is_latest_for_execution
    {{ baseline_source_joins('latest_executions') }}

),

with_baselines as (

    select
        *,
        -- How long many requests took together says nothing about any of them.
        case when not is_bucket then {{ duration_ms('start_time', 'end_time') }} end as duration_ms,
        coalesce({{ price_tier('service_tier') }}, 'standard') as price_tier,
        {{ other_quantities() }} as other_quantities,
        {{ billed_tokens() }},
        -- The policy in force is priced as the baseline, and not twice.
        {%- for policy, source in baseline_policies_of_usage().items() %}
        {%- for attribute in ['provider', 'model'] %}
        case
            when coalesce(baseline_policy, '') <> '{{ policy }}' then {{ source }}_{{ attribute }}
        end as {{ policy }}_{{ attribute }},
        {%- endfor %}
        {%- endfor %}
        {{ policy_baseline('baseline_policy', 'provider') }} as baseline_provider,
        {{ policy_baseline('baseline_policy', 'model') }} as baseline_model
    from joined
    {{ compute_once() }}

),

final as (

    select
        with_baselines.execution_id,
        with_baselines.event_id,
        with_baselines.organization_id,
        with_baselines.user_id,
        with_baselines.task_id,
        with_baselines.task_type,
        with_baselines.provider,
        with_baselines.model,
        with_baselines.service_tier,
        with_baselines.region,
        with_baselines.status,
        with_baselines.start_time,
        with_baselines.end_time,
        with_baselines.updated_at,
        with_baselines.session_id,
        with_baselines.correlation_id,
        with_baselines.agent_id,
        with_baselines.workflow_id,
        {{ attribution_columns('with_baselines') }},
        with_baselines.code_language,
        with_baselines.request_type,
        with_baselines.input_tokens,
        with_baselines.cached_input_tokens,
        with_baselines.cache_write_tokens,
        with_baselines.cache_write_1h_tokens,
        with_baselines.audio_input_tokens,
        with_baselines.image_input_tokens,
        with_baselines.output_tokens,
        with_baselines.reasoning_tokens,
        with_baselines.audio_output_tokens,
        with_baselines.image_output_tokens,
        with_baselines.tokens_used,
        with_baselines.compute_units,
        with_baselines.request_count,
        with_baselines.other_usage,
        with_baselines.is_bucket,
        with_baselines.is_gateway_cache_hit,
        with_baselines.reported_cost_usd,
        with_baselines.quality_score,
        with_baselines.error_code,
        with_baselines.reporting_timezone,
        with_baselines.followed_decision_id,
        with_baselines.routing_overhead_cost_usd,
        with_baselines.baseline_policy,
        with_baselines.baseline_policy_id,
        with_baselines.duration_ms,
        with_baselines.billed_uncached_input_tokens,
        with_baselines.billed_cached_input_tokens,
        with_baselines.billed_cache_write_tokens,
        with_baselines.billed_output_tokens,
        with_baselines.price_tier,
        with_baselines.other_quantities,
        with_baselines.baseline_provider,
        with_baselines.baseline_model,
        with_baselines.decision_baseline_provider,
        with_baselines.decision_baseline_model,
        with_baselines.dearest_alternative_provider,
        with_baselines.dearest_alternative_model,
        {%- for policy in baseline_policies_of_usage() %}
        with_baselines.{{ policy }}_provider,
        with_baselines.{{ policy }}_model,
        {{ price_scope_columns('with_baselines', policy ~ '_') }},
        {%- endfor %}
        {{ price_scope_columns('with_baselines', '') }},
        {{ price_scope_columns('with_baselines', 'baseline_') }}
    from with_baselines
    {{ price_scope_joins('with_baselines', '') }}
    {{ price_scope_joins('with_baselines', 'baseline_') }}
    {%- for policy in baseline_policies_of_usage() %}
    {{ price_scope_joins('with_baselines', policy ~ '_') }}
    {%- endfor %}
    {{ compute_once() }}

)

select * from final
