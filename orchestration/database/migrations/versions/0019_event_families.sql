-- Events beside usage, a table for each family. All have the same first columns, the same indexes
-- and the same protection; they are counted in raw.loads and totalled in raw.event_totals.

do $families$
declare
    family record;
    totals text := '';
    kinds text [] := array['task_execution', 'routing_decision', 'organization', 'user', 'adjustment'];
begin
    for family in
        select *
        from (
            values
            (
                'agent_event',
                'agent_id text, task_id text, task_type text, provider text, model text, '
                'duration_ms bigint, tokens_used bigint, reported_cost_usd numeric, '
                'is_successful boolean, error_code text',
                'a step in the life of an agent',
                array['duration_ms'], array['tokens_used', 'reported_cost_usd']
            ),
            (
                'provider_event',
                'provider text not null, model text, agent_id text, task_id text, '
                'task_execution_id uuid, duration_ms bigint, reported_cost_usd numeric, '
                'is_successful boolean, error_code text, http_status bigint, '
                'retry_after_ms bigint, attempt bigint',
                'a request to a provider and what became of it',
                array['duration_ms', 'retry_after_ms'], array['reported_cost_usd']
            ),
            (
                'billing_event',
                'subscription_id text, plan text, amount numeric, currency text, seats bigint, '
                'period text, metric text, quantity numeric, limit_quantity numeric',
                'a subscription, or the limits of its plan',
                array[]::text [], array['amount', 'seats', 'quantity', 'limit_quantity']
            ),
            (
                'customer_event',
                'visitor_id uuid, channel text, dashboard text, export_format text',
                'what somebody did as a customer',
                array[]::text [], array[]::text []
            ),
            (
                'support_event',
                'ticket_id text not null, priority text, category text, replied_by text',
                'a step of a ticket, without anything that is written in it',
                array[]::text [], array[]::text []
            ),
            (
                'web_event',
                'page text not null, visitor_id uuid, element text, scroll_depth_percent bigint, '
                'traffic_source text, device text, utm_source text, utm_medium text, '
                'utm_campaign text',
                'what a visitor did on the website',
                array[]::text [], array['scroll_depth_percent']
            )
        ) as families (kind, columns, about, durations, units)
    loop
        execute format(
            'create table raw.%1$I (_load_id bigint not null, _line_number bigint not null, '
            'event_id uuid not null, id uuid not null, organization_id uuid not null, '
            'occurred_at timestamptz not null, updated_at timestamptz not null, user_id uuid, '
            'session_id text, correlation_id text, event_type text not null, %2$s)',
            family.kind || 's', family.columns
        );
        execute format(
            'comment on table raw.%I is %L',
            family.kind || 's', 'One row per landed version of an event about ' || family.about || '.'
        );
        execute format('create index on raw.%I (organization_id, id)', family.kind || 's');
        execute format('create index on raw.%I (_load_id)', family.kind || 's');
        execute format(
            'alter table raw.loads add column %1$I bigint not null default 0 check (%1$I >= 0)',
            family.kind || '_count'
        );
        kinds := kinds || family.kind;
        -- Also what such an event says that something cost is no amount of money here: it is counted
        -- among other units, so that nothing adds it to what executions cost.
        totals := totals || format(
            ' union all select _load_id, %L, organization_id, '
            'cast(occurred_at at time zone ''UTC'' as date), count(*), '
            '0, 0, 0, 0, 0, 0, 0, 0, %s, 0, 0, 0, %s '
            'from raw.%I group by _load_id, organization_id, '
            'cast(occurred_at at time zone ''UTC'' as date)',
            family.kind,
            coalesce(
                (
                    select string_agg(format('coalesce(sum(%I), 0)', name), ' + ')
                    from unnest(family.durations) as durations (name)
                ),
                '0'
            ),
            coalesce(
                (
                    select string_agg(
                        format('coalesce(sum(cast(%I as numeric(28, 12))), 0)', name), ' + '
                    )
                    from unnest(family.units) as units (name)
                ),
                '0'
            ),
            family.kind || 's'
        );
    end loop;

    execute format(
        'create or replace view raw.event_totals with (security_invoker = true) as %s%s',
        rtrim(pg_get_viewdef('raw.event_totals'::regclass), ';'), totals
    );
    alter table raw.loads drop constraint loads_count_every_kind;
    execute format(
        'alter table raw.loads add constraint loads_count_every_kind check (lines_accepted = %s)',
        (select string_agg(quote_ident(kind || '_count'), ' + ') from unnest(kinds) as known (kind))
    );
    alter table ledger.landed_totals drop constraint landed_totals_event_kind_check;
    execute format(
        'alter table ledger.landed_totals add constraint landed_totals_event_kind_check '
        'check (event_kind = any (%L))',
        kinds
    );
    perform access.protect(cast('raw.' || kind || 's' as regclass)) from unnest(kinds[6:]) as added (kind);
end
$families$;
