-- Control totals: what a load held when it was committed, so that a raw row which is deleted, doubled
-- or changed later is noticed. Unknown amounts add nothing;
-- the others have the digits that staging keeps of them.

create view raw.event_totals as
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
    coalesce(sum(request_count), 0) as requests,
    cast(0 as numeric) as durations_ms,
    coalesce(sum(cast(quality_score as numeric(13, 12))), 0) as scores,
    coalesce(sum(cast(reported_cost_usd as numeric(20, 12))), 0) as amount_usd
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
    + coalesce(sum(cast(routing_overhead_cost_usd as numeric(20, 12))), 0) as amount_usd
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
    coalesce(sum(cast(monthly_budget_usd as numeric(20, 12))), 0) as amount_usd
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
    0 as amount_usd
from raw.users
group by _load_id, organization_id, cast(updated_at at time zone 'UTC' as date);

comment on view raw.event_totals is
'One row per load, kind of event, organization and day in UTC: what schema raw holds of it now.';

create table raw.landed_totals (
    load_id bigint not null,
    event_kind text not null check (
        event_kind in ('task_execution', 'routing_decision', 'organization', 'user')
    ),
    organization_id uuid not null,
    event_date date not null,
    events bigint not null check (events > 0),
    input_tokens numeric not null,
    cached_input_tokens numeric not null,
    cache_write_tokens numeric not null,
    output_tokens numeric not null,
    reasoning_tokens numeric not null,
    unsplit_tokens numeric not null,
    compute_units numeric not null,
    requests numeric not null,
    durations_ms numeric not null,
    scores numeric not null,
    amount_usd numeric not null,
    primary key (load_id, event_kind, organization_id, event_date)
);

comment on table raw.landed_totals is
'One row per load, kind of event, organization and day in UTC: what of it landed.';

insert into raw.landed_totals
select * from raw.event_totals;
