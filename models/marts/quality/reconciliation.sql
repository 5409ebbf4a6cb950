-- Grain: one row per comparison of two layers and what it compares: an organization's day, or that
-- of a provider's model and task type. Differences that have a known cause stand
-- here as well, with the cause.

{{ config(materialized='view') }}


with loads as (

    select * from {{ ref('reconciled_loads') }}

),

landed_totals as (

    select * from {{ ref('stg_warehouse__landed_totals') }}

),

compared_days as (

    select * from {{ ref('reconciled_days') }}

),

compared_provider_days as (

    select * from {{ ref('reconciled_provider_days') }}

),

organization_days as (

    select * from {{ ref('int_organization_days') }}

),

late_corrections as (

    select * from {{ ref('late_corrections') }}

),

-- What landed is compared load by load, and shown for all loads of a day together.
{% for comparison, sides in {
    'landed_to_raw': ['landed', 'raw'], 'raw_to_staging': ['raw', 'staged'],
}.items() %}
{{ comparison }} as (

    select
        event_kind,
        organization_id,
        event_date,
        {%- for side, name in {'upstream': sides[0], 'downstream': sides[1]}.items() %}
        cast(sum({{ name }}_events) as bigint) as {{ side }}_count,
        cast(sum({{ name }}_tokens) as numeric(28, 0)) as {{ side }}_tokens,
        cast(sum({{ name }}_amount_usd) as numeric(28, 12)) as {{ side }}_usd,
        {%- endfor %}
        string_agg(distinct {{ comparison }}_differences, ', ') as differing_measures
    from loads
    group by event_kind, organization_id, event_date

),

{% endfor %}
versions as (

    select
        event_kind,
        organization_id,
        event_date,
        cast(sum(staged_events) as bigint) as upstream_count,
        cast(sum(staged_entities) as bigint) as downstream_count
    from loads
    group by event_kind, organization_id, event_date

),

pending as (

    select
        event_kind,
        organization_id,
        event_date,
        cast(sum(events) as bigint) as upstream_count,
        cast(sum(input_tokens + output_tokens + unsplit_tokens) as numeric(28, 0))
            as upstream_tokens,
        cast(sum(amount_usd) as numeric(28, 12)) as upstream_usd
    from landed_totals
    where
        _load_id not in (
            select processed.load_id
            from {{ ref('int_processed_loads') }} as processed
        )
        -- Views show these at once.
        and event_kind <> 'adjustment'
    group by event_kind, organization_id, event_date

),

refused as (

    select
        event_kind,
        organization_id,
        event_date,
        count(*) as upstream_count
    from {{ ref('disputed_versions') }}
    where reason = 'other_organization'
    group by event_kind, organization_id, event_date

),

late as (

    select
        organization_id,
        metric_date,
        sum(tasks_delta) as tasks,
        sum(tokens_delta) as tokens,
        sum(spend_delta_usd) as usd
    from late_corrections
    group by organization_id, metric_date

),

provider_days as (

    select * from {{ ref('int_provider_days') }}

),

late_for_providers as (

    select
        provider,
        model,
        task_type,
        metric_date,
        count(*) as tasks,
        coalesce(sum(total_tokens), 0) as tokens,
        coalesce(sum(cost_usd), 0) as usd
    from {{ ref('int_late_provider_usage') }}
    group by provider, model, task_type, metric_date

),

compared as (

    {% for comparison in ['landed_to_raw', 'raw_to_staging'] %}
    select
        '{{ comparison }}' as comparison,
        event_kind,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        event_date as metric_date,
        true as is_utc,
        upstream_count,
        downstream_count,
        upstream_tokens,
        downstream_tokens,
        upstream_usd,
        downstream_usd,
        differing_measures,
        cast(null as text) as known_cause
    from {{ comparison }}
    union all
    {% endfor %}
    select
        comparison,
        'task_execution' as event_kind,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        metric_date,
        false as is_utc,
        upstream_count,
        downstream_count,
        upstream_tokens,
        downstream_tokens,
        upstream_usd,
        downstream_usd,
        differing_measures,
        cast(null as text) as known_cause
    from compared_days
    union all
    select
        comparison,
        'task_execution' as event_kind,
        cast(null as uuid) as organization_id,
        provider,
        model,
        task_type,
        'daily' as aggregation_period,
        metric_date,
        true as is_utc,
        upstream_count,
        downstream_count,
        upstream_tokens,
        downstream_tokens,
        upstream_usd,
        downstream_usd,
        differing_measures,
        cast(null as text) as known_cause
    from compared_provider_days
    union all
    select
        'events_to_versions' as comparison,
        event_kind,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        event_date as metric_date,
        true as is_utc,
        upstream_count,
        downstream_count,
        cast(null as numeric(28, 0)) as upstream_tokens,
        cast(null as numeric(28, 0)) as downstream_tokens,
        cast(null as numeric(28, 12)) as upstream_usd,
        cast(null as numeric(28, 12)) as downstream_usd,
        cast(null as text) as differing_measures,
        case when upstream_count > downstream_count then 'duplicate version' end as known_cause
    from versions
    union all
    select
        'landed_to_facts' as comparison,
        event_kind,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        event_date as metric_date,
        true as is_utc,
        upstream_count,
        0 as downstream_count,
        upstream_tokens,
        0 as downstream_tokens,
        upstream_usd,
        0 as downstream_usd,
        cast(null as text) as differing_measures,
        'pending' as known_cause
    from pending
    union all
    select
        'events_to_owners' as comparison,
        event_kind,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        event_date as metric_date,
        true as is_utc,
        upstream_count,
        0 as downstream_count,
        cast(null as numeric(28, 0)) as upstream_tokens,
        cast(null as numeric(28, 0)) as downstream_tokens,
        cast(null as numeric(28, 12)) as upstream_usd,
        cast(null as numeric(28, 12)) as downstream_usd,
        cast(null as text) as differing_measures,
        'id of another organization' as known_cause
    from refused
    union all
    select
        'executions_to_priced' as comparison,
        'task_execution' as event_kind,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        metric_date,
        false as is_utc,
        total_tasks as upstream_count,
        total_tasks - unpriced_tasks as downstream_count,
        cast(null as numeric(28, 0)) as upstream_tokens,
        cast(null as numeric(28, 0)) as downstream_tokens,
        cast(null as numeric(28, 12)) as upstream_usd,
        cast(null as numeric(28, 12)) as downstream_usd,
        cast(null as text) as differing_measures,
        case when unpriced_tasks > 0 then 'unpriced' end as known_cause
    from organization_days
    union all
    select
        'executions_to_finished' as comparison,
        'task_execution' as event_kind,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        metric_date,
        false as is_utc,
        total_tasks as upstream_count,
        successful_tasks + failed_tasks as downstream_count,
        cast(null as numeric(28, 0)) as upstream_tokens,
        cast(null as numeric(28, 0)) as downstream_tokens,
        cast(null as numeric(28, 12)) as upstream_usd,
        cast(null as numeric(28, 12)) as downstream_usd,
        cast(null as text) as differing_measures,
        case
            when total_tasks = successful_tasks + failed_tasks then null
            when total_tasks - successful_tasks - failed_tasks <= timed_out_tasks then 'timed out'
            when timed_out_tasks > 0 then 'pending, timed out'
            else 'pending'
        end as known_cause
    from organization_days
    union all
    select
        'spend_to_cost' as comparison,
        'task_execution' as event_kind,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        metric_date,
        false as is_utc,
        total_tasks as upstream_count,
        successful_tasks as downstream_count,
        cast(null as numeric(28, 0)) as upstream_tokens,
        cast(null as numeric(28, 0)) as downstream_tokens,
        total_spend_usd as upstream_usd,
        total_cost_usd as downstream_usd,
        cast(null as text) as differing_measures,
        case
            when total_tasks = successful_tasks then null
            when total_tasks = successful_tasks + failed_tasks then 'failed'
            when failed_tasks > 0 then 'failed, pending'
            else 'pending'
        end as known_cause
    from organization_days
    union all
    select
        'arrived_to_sealed' as comparison,
        'task_execution' as event_kind,
        late.organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        cast(null as text) as task_type,
        'daily' as aggregation_period,
        late.metric_date,
        false as is_utc,
        coalesce(organization_days.total_tasks, 0) + late.tasks as upstream_count,
        organization_days.total_tasks as downstream_count,
        coalesce(organization_days.total_tokens, 0) + late.tokens as upstream_tokens,
        organization_days.total_tokens as downstream_tokens,
        coalesce(organization_days.total_spend_usd, 0) + late.usd as upstream_usd,
        organization_days.total_spend_usd as downstream_usd,
        cast(null as text) as differing_measures,
        'late for a sealed period' as known_cause
    from late
    left join organization_days
        on
            late.organization_id = organization_days.organization_id
            and late.metric_date = organization_days.metric_date
    union all
    select
        'arrived_to_sealed_providers' as comparison,
        'task_execution' as event_kind,
        cast(null as uuid) as organization_id,
        late.provider,
        late.model,
        late.task_type,
        'daily' as aggregation_period,
        late.metric_date,
        true as is_utc,
        coalesce(provider_days.total_tasks, 0) + late.tasks as upstream_count,
        provider_days.total_tasks as downstream_count,
        coalesce(provider_days.total_tokens, 0) + late.tokens as upstream_tokens,
        provider_days.total_tokens as downstream_tokens,
        coalesce(provider_days.total_spend_usd, 0) + late.usd as upstream_usd,
        provider_days.total_spend_usd as downstream_usd,
        cast(null as text) as differing_measures,
        'late for a sealed period' as known_cause
    from late_for_providers as late
    left join provider_days
        on
            {{ same_unit('late', 'provider_days', 'provider') }}
            and late.metric_date = provider_days.metric_date

),

final as (

    select
        comparison,
        event_kind,
        organization_id,
        provider,
        model,
        task_type,
        aggregation_period,
        metric_date,
        is_utc,
        upstream_count,
        downstream_count,
        coalesce(upstream_count, 0) - coalesce(downstream_count, 0) as count_difference,
        cast(upstream_tokens as numeric(28, 0)) as upstream_tokens,
        cast(downstream_tokens as numeric(28, 0)) as downstream_tokens,
        cast(coalesce(upstream_tokens, 0) - coalesce(downstream_tokens, 0) as numeric(28, 0))
            as tokens_difference,
        cast(upstream_usd as numeric(28, 12)) as upstream_usd,
        cast(downstream_usd as numeric(28, 12)) as downstream_usd,
        cast(coalesce(upstream_usd, 0) - coalesce(downstream_usd, 0) as numeric(28, 12))
            as usd_difference,
        differing_measures,
        case when differing_measures is not null then 'unexplained' else known_cause end as cause,
        case
            when differing_measures is not null then 'different'
            when known_cause is not null then 'explained'
            else 'equal'
        end as status
    from compared

)

select * from final
