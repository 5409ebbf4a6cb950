-- Grain: one row per comparison of two layers and what it compares: an organization's day, or that
-- of a provider's model and task type. Differences that have a known cause stand
-- here as well, with the cause.

{{ config(materialized='view') }}

{%- set columns = {
    'organization_id': 'uuid', 'provider': 'text', 'model': 'text', 'task_type': 'text',
    'metric_date': 'date',
    'upstream_count': 'bigint', 'downstream_count': 'bigint',
    'upstream_tokens': 'numeric(28, 0)', 'downstream_tokens': 'numeric(28, 0)',
    'upstream_usd': 'numeric(28, 12)', 'downstream_usd': 'numeric(28, 12)',
    'differing_measures': 'text', 'known_cause': 'text',
} %}
{%- set of_events = ['event_kind', 'organization_id', 'metric_date'] %}
{%- set of_organizations = unit_columns('organization') + ['metric_date'] %}
{%- set of_providers = unit_columns('provider') + ['metric_date'] %}
{%- set counts = ['upstream_count', 'downstream_count'] %}
{%- set usd = ['upstream_usd', 'downstream_usd'] %}
{%- set sums = counts + ['upstream_tokens', 'downstream_tokens'] + usd %}
{#- What each comparison tells; the rest is unknown of it. -#}
{%- set comparisons = {
    'landed_to_raw': of_events + sums + ['differing_measures'],
    'raw_to_staging': of_events + sums + ['differing_measures'],
    'compared_days': ['comparison'] + of_organizations + sums + ['differing_measures'],
    'compared_provider_days': ['comparison'] + of_providers + sums + ['differing_measures'],
    'events_to_versions': of_events + counts + ['known_cause'],
    'landed_to_facts': of_events + sums + ['known_cause'],
    'events_to_owners': of_events + counts + ['known_cause'],
    'executions_to_priced': of_organizations + counts + ['known_cause'],
    'executions_to_finished': of_organizations + counts + ['known_cause'],
    'spend_to_cost': of_organizations + counts + usd + ['known_cause'],
    'arrived_to_sealed': of_organizations + sums + ['known_cause'],
    'arrived_to_sealed_providers': of_providers + sums + ['known_cause'],
} %}

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

provider_days as (

    select * from {{ ref('int_provider_days') }}

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
        event_date as metric_date,
        {%- for side, name in {'upstream': sides[0], 'downstream': sides[1]}.items() %}
        cast(sum({{ name }}_events) as bigint) as {{ side }}_count,
        sum({{ name }}_tokens) as {{ side }}_tokens,
        sum({{ name }}_amount_usd) as {{ side }}_usd,
        {%- endfor %}
        string_agg(distinct {{ comparison }}_differences, ', ') as differing_measures
    from loads
    group by event_kind, organization_id, event_date

),

{% endfor %}
events_to_versions as (

    select
        event_kind,
        organization_id,
        event_date as metric_date,
        cast(sum(staged_events) as bigint) as upstream_count,
        cast(sum(staged_entities) as bigint) as downstream_count,
        case when bool_or(staged_events > staged_entities) then 'duplicate version' end
            as known_cause
    from loads
    group by event_kind, organization_id, event_date

),

landed_to_facts as (

    select
        event_kind,
        organization_id,
        event_date as metric_date,
        cast(sum(events) as bigint) as upstream_count,
        0 as downstream_count,
        sum(input_tokens + output_tokens + unsplit_tokens) as upstream_tokens,
        0 as downstream_tokens,
        sum(amount_usd) as upstream_usd,
        0 as downstream_usd,
        'pending' as known_cause
    from landed_totals
    where
        _load_id not in (
            select processed.load_id
            from {{ ref('int_processed_loads') }} as processed
        )
        -- Views show all others at once.
        and event_kind in ('task_execution', 'routing_decision', 'organization', 'user')
    group by event_kind, organization_id, event_date

),

events_to_owners as (

    select
        event_kind,
        organization_id,
        event_date as metric_date,
        count(*) as upstream_count,
        0 as downstream_count,
        'id of another organization' as known_cause
    from {{ ref('disputed_versions') }}
    where reason = 'other_organization'
    group by event_kind, organization_id, event_date

),

late_for_organizations as (

    select
        organization_id,
        metric_date,
        sum(tasks_delta) as tasks,
        sum(tokens_delta) as tokens,
        sum(spend_delta_usd) as usd
    from late_corrections
    group by organization_id, metric_date

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

executions_to_priced as (

    select
        organization_id,
        metric_date,
        total_tasks as upstream_count,
        total_tasks - unpriced_tasks as downstream_count,
        case when unpriced_tasks > 0 then 'unpriced' end as known_cause
    from organization_days

),

executions_to_finished as (

    select
        organization_id,
        metric_date,
        total_tasks as upstream_count,
        successful_tasks + failed_tasks as downstream_count,
        case
            when total_tasks = successful_tasks + failed_tasks then null
            when total_tasks - successful_tasks - failed_tasks <= timed_out_tasks then 'timed out'
            when timed_out_tasks > 0 then 'pending, timed out'
            else 'pending'
        end as known_cause
    from organization_days

),

spend_to_cost as (

    select
        organization_id,
        metric_date,
        total_tasks as upstream_count,
        successful_tasks as downstream_count,
        total_spend_usd as upstream_usd,
        total_cost_usd as downstream_usd,
        case
            when total_tasks = successful_tasks then null
            when total_tasks = successful_tasks + failed_tasks then 'failed'
            when failed_tasks > 0 then 'failed, pending'
            else 'pending'
        end as known_cause
    from organization_days

),

{% for unit, comparison in {
    'organization': 'arrived_to_sealed', 'provider': 'arrived_to_sealed_providers',
}.items() %}
{{ comparison }} as (

    select
        {% for column in unit_columns(unit) %}
        late.{{ column }},
        {% endfor %}
        late.metric_date,
        coalesce(days.total_tasks, 0) + late.tasks as upstream_count,
        days.total_tasks as downstream_count,
        coalesce(days.total_tokens, 0) + late.tokens as upstream_tokens,
        days.total_tokens as downstream_tokens,
        coalesce(days.total_spend_usd, 0) + late.usd as upstream_usd,
        days.total_spend_usd as downstream_usd,
        'late for a sealed period' as known_cause
    from late_for_{{ unit }}s as late
    left join {{ unit }}_days as days
        on
            {{ same_unit('late', 'days', unit) }}
            and late.metric_date = days.metric_date

),

{% endfor %}
compared as (

    {% for comparison, told in comparisons.items() %}
    select
        {{ 'comparison' if 'comparison' in told else "'" ~ comparison ~ "'" }} as comparison,
        {{ 'event_kind' if 'event_kind' in told else "'task_execution'" }} as event_kind,
        {% for column, type in columns.items() %}
        cast({{ column if column in told else 'null' }} as {{ type }}) as {{ column }},
        {% endfor %}
        {{ 'event_kind' in told or 'provider' in told }} as is_utc
    from {{ comparison }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        comparison,
        event_kind,
        organization_id,
        provider,
        model,
        task_type,
        'daily' as aggregation_period,
        metric_date,
        is_utc,
        upstream_count,
        downstream_count,
        coalesce(upstream_count, 0) - coalesce(downstream_count, 0) as count_difference,
        upstream_tokens,
        downstream_tokens,
        cast(coalesce(upstream_tokens, 0) - coalesce(downstream_tokens, 0) as numeric(28, 0))
            as tokens_difference,
        upstream_usd,
        downstream_usd,
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
