-- One row per attempt of a shadow evaluation, in the order in which they were written: its event as a line of JSON,
-- NULL where the log does not have the call, which says whose it is.
-- Only what is named here is read: that an attempt failed, and not the text of why.
with attempts as (

    select {attempts}
    from "LiteLLM_ShadowEvalAttempt" as attempts
    where created_at >= %(since)s

),

jobs as (

    select {jobs}
    from "LiteLLM_ShadowEvalJob" as jobs

),

logs as (

    select {logs}
    from "LiteLLM_SpendLogs" as spend_logs

),

owned as (

    select
        attempts.*,
        jobs.direction,
        jobs.judge_model,
        coalesce(nullif(attempts.router_name, ''), jobs.router_name) as router,
        attempts.created_at at time zone 'UTC' as evaluated_at,
        cast(md5(concat_ws(
            chr(31), 'litellm', 'shadow_evaluation', cast(%(organization_id)s as text), attempts.id
        )) as uuid) as evaluation_id,
        cast(md5(concat_ws(
            chr(31), 'litellm', 'task_execution', cast(%(organization_id)s as text), attempts.request_id
        )) as uuid) as execution_id,
        case
            when logs.request_id is null then null
            when whose.organization is null then cast(%(organization_id)s as uuid)
            else cast(md5(concat_ws(
                chr(31), 'litellm', 'organization', cast(%(organization_id)s as text), whose.organization
            )) as uuid)
        end as owner_id
    from attempts
    inner join jobs on attempts.job_id = jobs.id
    left join logs on attempts.request_id = logs.request_id
    cross join lateral (
        select nullif(
            coalesce(
                nullif(logs.organization_id, ''),
                case
                    when jsonb_typeof(logs.metadata) = 'object' then logs.metadata ->> 'user_api_key_org_id'
                end
            ), ''
        ) as organization
    ) as whose

),

-- Where the served call has no cost, what else is 0 was not measured either: older rows have these zeros.
written as (

    select
        created_at,
        id,
        evaluation_id,
        case
            when owner_id is not null
                then cast(json_strip_nulls(json_build_object(
                    'event', 'shadow_evaluation',
                    'id', evaluation_id,
                    'organization_id', owner_id,
                    'execution_id', execution_id,
                    'evaluated_at', evaluated_at,
                    'updated_at', evaluated_at,
                    'direction', direction,
                    'outcome', outcome,
                    'router', left(router, 255),
                    'judge_model', left(judge_model, 255),
                    'real_model', left(nullif(real_model, ''), 255),
                    'shadow_model', left(nullif(shadow_model, ''), 255),
                    'tier', left(nullif(tier, ''), 255),
                    'confidence', confidence,
                    'is_real_cache_hit', case when real_cost is not null or real_cache_hit then real_cache_hit end,
                    'reported_real_cost_usd', real_cost,
                    'reported_shadow_cost_usd',
                    case when real_cost is not null or shadow_cost <> 0 then shadow_cost end,
                    'reported_judge_cost_usd', judge_cost,
                    'reported_real_classifier_cost_usd',
                    case when real_cost is not null or real_classifier_cost <> 0 then real_classifier_cost end,
                    'reported_shadow_classifier_cost_usd',
                    case when real_cost is not null or shadow_classifier_cost <> 0 then shadow_classifier_cost end
                )) as text)
        end as evaluation
    from owned

)

select
    created_at,
    cast(evaluation_id as text) as evaluation_id,
    cast(cast(md5(evaluation) as uuid) as text) as event_id,
    evaluation
from written
order by created_at, id
