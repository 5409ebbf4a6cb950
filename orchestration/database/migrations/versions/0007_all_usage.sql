-- What a bill may hold besides tokens, requests, minutes and compute units, and money without usage.

alter table raw.task_executions
add column region text,
add column is_bucket boolean not null default false,
add column is_gateway_cache_hit boolean not null default false,
add column cache_write_1h_tokens bigint,
add column audio_input_tokens bigint,
add column image_input_tokens bigint,
add column audio_output_tokens bigint,
add column image_output_tokens bigint,
add column other_usage jsonb,
-- Requests may be a fraction. The column of whole ones stays for the rows that have it, because
-- another type would write every row anew and take down the views that stand on it.
add column requests numeric,
add constraint task_executions_requests_once check (requests is null or request_count is null);

create table raw.adjustments (
    _load_id bigint not null,
    _line_number bigint not null,
    event_id uuid not null,
    id uuid not null,
    organization_id uuid not null,
    reason text not null,
    amount numeric not null,
    currency text not null,
    effective_at timestamptz not null,
    updated_at timestamptz not null,
    provider text,
    model text,
    user_id uuid,
    period_start timestamptz,
    period_end timestamptz,
    reference text
);

comment on table raw.adjustments is
'One row per landed version of an adjustment: money that stands beside usage, such as a credit.';

create index adjustments_id on raw.adjustments (id);
create index adjustments_load_id on raw.adjustments (_load_id);

-- What was rejected gets another chance when its file is landed again, in a load of its own.
alter table raw.loads
add column attempt bigint not null default 1 check (attempt >= 1),
drop constraint loads_content_sha256_key,
add constraint loads_content_attempt unique (content_sha256, attempt),
add column adjustment_count bigint not null default 0 check (adjustment_count >= 0),
drop constraint loads_count_every_kind,
add constraint loads_count_every_kind check (
    lines_accepted
    = task_execution_count + routing_decision_count + organization_count + user_count
    + adjustment_count
);

create or replace view raw.event_totals as
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
    cast(0 as numeric) as durations_ms,
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

alter table raw.landed_totals
add column part_tokens numeric not null default 0,
add column other_units numeric not null default 0,
drop constraint landed_totals_event_kind_check,
add constraint landed_totals_event_kind_check check (
    event_kind in ('task_execution', 'routing_decision', 'organization', 'user', 'adjustment')
);
