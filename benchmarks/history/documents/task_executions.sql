-- The MVP plan, "Database Schema Design", 1. task_executions: its columns and indexes. PostgreSQL has no
-- indexes within `create table`, so they follow it; the tables that it refers to are left out.
create table task_executions (
    id uuid primary key default gen_random_uuid(),
    task_id varchar(255) not null,
    user_id uuid not null,
    organization_id uuid not null,
    provider varchar(50) not null,
    task_type varchar(100) not null,
    task_description text,
    start_time timestamp with time zone not null,
    end_time timestamp with time zone not null,
    duration_ms integer generated always as (
        extract(epoch from (end_time - start_time)) * 1000
    ) stored,
    tokens_used integer not null,
    compute_units decimal(10, 4),
    actual_cost decimal(10, 6) not null,
    baseline_cost decimal(10, 6) not null,
    savings decimal(10, 6) generated always as (baseline_cost - actual_cost) stored,
    currency varchar(3) default 'USD',
    success boolean not null default true,
    error_message text,
    confidence_score decimal(3, 2),
    routing_decision_id uuid,
    created_at timestamp with time zone default now(),
    updated_at timestamp with time zone default now()
);

-- Every execution of the warehouse. The table has no place for what is not known: such a cost, number of
-- tokens or end becomes nothing, so that the rows are as many.
insert into task_executions (
    id, task_id, user_id, organization_id, provider, task_type, start_time, end_time, tokens_used,
    compute_units, actual_cost, baseline_cost, success, error_message, routing_decision_id
)
select
    execution_id,
    task_id,
    coalesce(user_id, '00000000-0000-0000-0000-000000000000'),
    organization_id,
    provider,
    task_type,
    start_time,
    coalesce(end_time, start_time),
    coalesce(total_tokens, 0),
    compute_units,
    coalesce(cost_usd, 0),
    coalesce(baseline_cost_usd, 0),
    status = 'completed',
    error_code,
    routing_decision_id
from marts.fct_task_executions;

create index idx_task_exec_org_time on task_executions (organization_id, start_time desc);
create index idx_task_exec_user_time on task_executions (user_id, start_time desc);
create index idx_task_exec_provider on task_executions (provider, start_time desc);
create index idx_task_exec_type on task_executions (task_type, start_time desc);
