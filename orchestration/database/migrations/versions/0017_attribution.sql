-- Who is billed, for whom and for what; which request it was at the provider. What landed is counted
-- with the time to the first token.

alter table raw.task_executions
add column source text,
add column provider_request_id text,
add column time_to_first_token_ms bigint,
add column billing_account text,
add column api_key_alias text,
add column team text,
add column end_user_id text,
add column project text,
add column cost_center text,
add column repository text,
add column branch text,
add column tags jsonb;

create or replace view raw.event_totals with (security_invoker = true) as
select
    _load_id as load_id,
    'task_execution' as event_kind,
    organization_id,
    cast(start_time at time zone 'UTC' as date) as event_date,
    count(*) as events,
    coalesce(sum(input_tokens), 0) as input_tokens,
    coalesce(sum(cached_input_tokens), 0) as cached_input_tokens,
    coalesce(sum(cache_write_tokens), 0) as cache_write_tokens,
    coalesce(sum(output_tokens), 0) as output_tokens,
    coalesce(sum(reasoning_tokens), 0) as reasoning_tokens,
    coalesce(sum(tokens_used), 0) as unsplit_tokens,
    coalesce(sum(cast(compute_units as numeric(28, 12))), 0) as compute_units,
    coalesce(sum(cast(coalesce(requests, request_count) as numeric(28, 12))), 0) as requests,
    coalesce(sum(time_to_first_token_ms), 0) as durations_ms,
    coalesce(sum(cast(quality_score as numeric(13, 12))), 0) as scores,
    coalesce(sum(cast(reported_cost_usd as numeric(20, 12))), 0) as amount_usd,
    coalesce(sum(
        cast(coalesce(cache_write_1h_tokens, 0) as numeric)
        + coalesce(audio_input_tokens, 0)
        + coalesce(image_input_tokens, 0)
        + coalesce(audio_output_tokens, 0)
        + coalesce(image_output_tokens, 0)
    ), 0) as part_tokens,
    coalesce(sum((
        select sum(cast(cast(others.value as numeric) as numeric(28, 12)))
        from jsonb_each_text(other_usage) as others
    )), 0) as other_units
from raw.task_executions
group by _load_id, organization_id, cast(start_time at time zone 'UTC' as date)
union all
select
    _load_id as load_id,
    'routing_decision' as event_kind,
    organization_id,
    cast(decision_timestamp at time zone 'UTC' as date) as event_date,
    count(*) as events,
    0 as input_tokens,
    0 as cached_input_tokens,
    0 as cache_write_tokens,
    0 as output_tokens,
    0 as reasoning_tokens,
    0 as unsplit_tokens,
    0 as compute_units,
    0 as requests,
    coalesce(sum(predicted_duration_ms), 0) as durations_ms,
    coalesce(sum(cast(confidence_score as numeric(13, 12))), 0)
    + coalesce(sum(cast(predicted_quality_score as numeric(13, 12))), 0) as scores,
    coalesce(sum(cast(predicted_cost_usd as numeric(20, 12))), 0)
    + coalesce(sum(cast(routing_overhead_cost_usd as numeric(20, 12))), 0) as amount_usd,
    0 as part_tokens,
    0 as other_units
from raw.routing_decisions
group by _load_id, organization_id, cast(decision_timestamp at time zone 'UTC' as date)
union all
select
    _load_id as load_id,
    'organization' as event_kind,
    id as organization_id,
    cast(updated_at at time zone 'UTC' as date) as event_date,
    count(*) as events,
    0 as input_tokens,
    0 as cached_input_tokens,
    0 as cache_write_tokens,
    0 as output_tokens,
    0 as reasoning_tokens,
    0 as unsplit_tokens,
    0 as compute_units,
    0 as requests,
    0 as durations_ms,
    0 as scores,
    coalesce(sum(cast(monthly_budget_usd as numeric(20, 12))), 0) as amount_usd,
    0 as part_tokens,
    0 as other_units
from raw.organizations
group by _load_id, id, cast(updated_at at time zone 'UTC' as date)
union all
select
    _load_id as load_id,
    'user' as event_kind,
    organization_id,
    cast(updated_at at time zone 'UTC' as date) as event_date,
    count(*) as events,
    0 as input_tokens,
    0 as cached_input_tokens,
    0 as cache_write_tokens,
    0 as output_tokens,
    0 as reasoning_tokens,
    0 as unsplit_tokens,
    0 as compute_units,
    0 as requests,
    0 as durations_ms,
    0 as scores,
    0 as amount_usd,
    0 as part_tokens,
    0 as other_units
from raw.users
group by _load_id, organization_id, cast(updated_at at time zone 'UTC' as date)
union all
-- Amounts in their own currencies: a control total tells whether they are still the same.
select
    _load_id as load_id,
    'adjustment' as event_kind,
    organization_id,
    cast(effective_at at time zone 'UTC' as date) as event_date,
    count(*) as events,
    0 as input_tokens,
    0 as cached_input_tokens,
    0 as cache_write_tokens,
    0 as output_tokens,
    0 as reasoning_tokens,
    0 as unsplit_tokens,
    0 as compute_units,
    0 as requests,
    0 as durations_ms,
    0 as scores,
    0 as amount_usd,
    0 as part_tokens,
    coalesce(sum(cast(amount as numeric(28, 12))), 0) as other_units
from raw.adjustments
group by _load_id, organization_id, cast(effective_at at time zone 'UTC' as date);
