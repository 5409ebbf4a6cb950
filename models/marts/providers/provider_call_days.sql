-- Grain: one row per organization, provider, model and day in its reporting time zone on which
-- something was asked of the provider. A view, because it looks at few rows of an organization;
-- it goes as far back as provider events and executions stay.

{{ config(materialized='view') }}

with provider_events as (

    select * from {{ ref('stg_platform__provider_events') }}

),

organization_versions as materialized (

    select * from {{ ref('int_organization_versions') }}

),

executions as (

    select * from {{ ref('fct_task_executions') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by organization_id, provider_event_id
            order by
                {{ version_order('provider_event') }}
        ) as recency
    from provider_events

),

latest as (

    select
        ranked.*,
        {{ local_date('ranked.occurred_at', "coalesce(organization_versions.timezone, 'UTC')") }}
            as metric_date
    from ranked
    left join organization_versions
        on
            ranked.organization_id = organization_versions.organization_id
            and ranked.occurred_at >= organization_versions.valid_from
            and ranked.occurred_at < organization_versions.valid_until
    where ranked.recency = 1

),

-- What was reported and what was executed are counted side by side: a call may be in both.
heard as (

    select
        organization_id,
        provider,
        model,
        metric_date,
        event_type,
        retry_after_ms,
        cast(null as text) as task_id,
        cast(null as text) as status,
        cast(null as text) as error_code
    from latest
    union all
    select
        organization_id,
        provider,
        model,
        metric_date,
        'execution' as event_type,
        cast(null as bigint) as retry_after_ms,
        task_id,
        status,
        error_code
    from executions

),

final as (

    select
        {{ surrogate_key(['organization_id', 'metric_date', 'provider', 'model']) }}
            as provider_call_day_id,
        organization_id,
        metric_date,
        provider,
        model,
        count(*) filter (where event_type = 'provider.api_call') as api_calls,
        count(*) filter (where event_type = 'provider.error') as errors,
        count(*) filter (where event_type = 'provider.rate_limit') as rate_limited_calls,
        count(*) filter (where event_type = 'provider.retry') as retries,
        max(retry_after_ms) as longest_retry_after_ms,
        count(*) filter (where event_type = 'execution') as total_tasks,
        count(*) filter (where status = 'failed') as failed_tasks,
        count(*) filter (
            where
            status = 'failed'
            and error_code ~* 'rate.?limit|too.?many.?requests|throttl|resource.?exhausted|^429'
        ) as rate_limited_tasks,
        count(task_id) - count(distinct task_id) as repeated_attempts
    from heard
    group by organization_id, metric_date, provider, model

)

select * from final
