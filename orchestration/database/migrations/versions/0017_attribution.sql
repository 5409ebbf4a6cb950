-- Who is billed, for whom and for what; which request it was at the provider.

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
