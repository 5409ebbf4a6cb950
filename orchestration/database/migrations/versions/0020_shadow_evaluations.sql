-- Calls that a gateway ran again on another model, and which answer a judge preferred.

create table raw.shadow_evaluations (
    _load_id bigint not null,
    _line_number bigint not null,
    event_id uuid not null,
    id uuid not null,
    organization_id uuid not null,
    execution_id uuid not null,
    evaluated_at timestamptz not null,
    updated_at timestamptz not null,
    direction text not null,
    outcome text not null,
    router text not null,
    judge_model text not null,
    real_model text,
    shadow_model text,
    tier text,
    confidence numeric,
    is_real_cache_hit boolean,
    reported_real_cost_usd numeric,
    reported_shadow_cost_usd numeric,
    reported_judge_cost_usd numeric,
    reported_real_classifier_cost_usd numeric,
    reported_shadow_classifier_cost_usd numeric
);

comment on table raw.shadow_evaluations is
'One row per landed version of a call that was run again on another model, for a judge to compare.';

create index shadow_evaluations_id on raw.shadow_evaluations (id);
create index shadow_evaluations_load_id on raw.shadow_evaluations (_load_id);

alter table raw.loads
add column shadow_evaluation_count bigint not null default 0 check (shadow_evaluation_count >= 0);

do $shadow_evaluations$
declare
    -- Whatever kinds there are: each has a column of its own in the ledger of loads.
    kinds constant text [] := array(
        select left(attname, -length('_count'))
        from pg_catalog.pg_attribute
        where
            attrelid = cast('raw.loads' as regclass)
            and attname like '%\_count'
            and not attisdropped
        order by attnum
    );
begin
    -- What such an event says that something cost is no amount of money here: it is counted among
    -- other units, so that nothing adds it to what executions cost.
    execute format(
        'create or replace view raw.event_totals with (security_invoker = true) as %s '
        'union all select _load_id, ''shadow_evaluation'', organization_id, '
        'cast(evaluated_at at time zone ''UTC'' as date), count(*), 0, 0, 0, 0, 0, 0, 0, 0, 0, '
        'coalesce(sum(cast(confidence as numeric(13, 12))), 0), 0, 0, %s '
        'from raw.shadow_evaluations group by _load_id, organization_id, '
        'cast(evaluated_at at time zone ''UTC'' as date)',
        rtrim(pg_get_viewdef(cast('raw.event_totals' as regclass)), ';'),
        (
            select
                string_agg(
                    format('coalesce(sum(cast(reported_%s_cost_usd as numeric(20, 12))), 0)', cost),
                    ' + '
                )
            from
                unnest(array['real', 'shadow', 'judge', 'real_classifier', 'shadow_classifier'])
                    as costs (cost)
        )
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
    perform access.protect(cast('raw.shadow_evaluations' as regclass));
end
$shadow_evaluations$;
