-- Schema raw: every event version that ever arrived, append-only, and the ledger of arrivals.

create table raw.loads (
    load_id bigint generated always as identity primary key,
    source_name text not null,
    content_sha256 text not null unique check (content_sha256 ~ '^[0-9a-f]{64}$'),
    content_bytes bigint not null default 0 check (content_bytes >= 0),
    lines_read bigint not null default 0 check (lines_read >= 0),
    lines_accepted bigint not null default 0 check (lines_accepted >= 0),
    lines_rejected bigint not null default 0 check (lines_rejected >= 0),
    task_execution_count bigint not null default 0 check (task_execution_count >= 0),
    routing_decision_count bigint not null default 0 check (routing_decision_count >= 0),
    organization_count bigint not null default 0 check (organization_count >= 0),
    user_count bigint not null default 0 check (user_count >= 0),
    started_at timestamptz not null default clock_timestamp(),
    landed_at timestamptz not null default clock_timestamp(),
    constraint loads_lose_nothing check (lines_read = lines_accepted + lines_rejected),
    constraint loads_count_every_kind check (
        lines_accepted
        = task_execution_count + routing_decision_count + organization_count + user_count
    )
);

comment on table raw.loads is
'One row per load: a file or micro-batch that landed in one transaction.';

create index loads_landed_at on raw.loads (landed_at);

create table raw.task_executions (
    _load_id bigint not null,
    _line_number bigint not null,
    event_id uuid not null,
    id uuid not null,
    organization_id uuid not null,
    task_id text not null,
    task_type text not null,
    provider text not null,
    status text not null,
    start_time timestamptz not null,
    updated_at timestamptz not null,
    user_id uuid,
    session_id text,
    correlation_id text,
    agent_id text,
    workflow_id text,
    code_language text,
    request_type text,
    model text,
    service_tier text,
    end_time timestamptz,
    input_tokens bigint,
    cached_input_tokens bigint,
    cache_write_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    tokens_used bigint,
    compute_units numeric,
    request_count bigint,
    reported_cost_usd numeric,
    quality_score numeric,
    error_code text,
    error_message text,
    routing_decision_id uuid,
    metadata jsonb
) partition by range (start_time);

comment on table raw.task_executions is
'One row per landed version of an execution; partitioned by month of start_time, in UTC.';

create index task_executions_id on raw.task_executions (id);
-- Loads are appended one after the other, so a few pages of BRIN find a load's rows.
create index task_executions_load_id on raw.task_executions
using brin (_load_id) with (pages_per_range = 32, autosummarize = on);

create table raw.routing_decisions (
    _load_id bigint not null,
    _line_number bigint not null,
    event_id uuid not null,
    id uuid not null,
    organization_id uuid not null,
    task_id text not null,
    chosen_provider text not null,
    decision_timestamp timestamptz not null,
    routing_strategy text not null,
    updated_at timestamptz not null,
    task_execution_id uuid,
    chosen_model text,
    alternative_providers jsonb,
    algorithm_version text,
    reasoning text,
    decision_factors jsonb,
    confidence_score numeric,
    predicted_cost_usd numeric,
    predicted_duration_ms bigint,
    predicted_quality_score numeric,
    routing_overhead_cost_usd numeric,
    baseline_provider text,
    baseline_model text
) partition by range (decision_timestamp);

comment on table raw.routing_decisions is
'One row per landed version of a decision; partitioned by month of decision_timestamp, in UTC.';

create index routing_decisions_id on raw.routing_decisions (id);
create index routing_decisions_task_execution_id
on raw.routing_decisions (task_execution_id) where task_execution_id is not null;
create index routing_decisions_load_id on raw.routing_decisions
using brin (_load_id) with (pages_per_range = 32, autosummarize = on);

create table raw.organizations (
    _load_id bigint not null,
    _line_number bigint not null,
    event_id uuid not null,
    id uuid not null,
    name text not null,
    tier text not null,
    timezone text not null,
    baseline_provider text,
    baseline_model text,
    monthly_budget_usd numeric,
    updated_at timestamptz not null
);

comment on table raw.organizations is 'One row per landed version of an organization.';

create index organizations_id on raw.organizations (id);
create index organizations_load_id on raw.organizations (_load_id);

create table raw.users (
    _load_id bigint not null,
    _line_number bigint not null,
    event_id uuid not null,
    id uuid not null,
    organization_id uuid not null,
    name text not null,
    team text,
    role text not null,
    updated_at timestamptz not null
);

comment on table raw.users is 'One row per landed version of a user.';

create index users_id on raw.users (id);
create index users_load_id on raw.users (_load_id);

create table raw.rejected_events (
    _load_id bigint not null,
    source_name text not null,
    line_number bigint not null,
    reason text not null,
    line_sha256 text not null,
    rejected_at timestamptz not null default clock_timestamp()
);

comment on table raw.rejected_events is
'One row per line that did not meet the contract: where it stood and why, never what it said.';

create index rejected_events_load_id on raw.rejected_events (_load_id, line_number);
