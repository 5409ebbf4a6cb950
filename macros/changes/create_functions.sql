{#- At the start of a run: the function that decrypts prices, and those on maps of numbers, which rollups add up with
    and analysts read them with. A map says how often each of its names occurred, such as a bucket of durations; see
    `duration_bucket`. They are made when they are missing or were made by other statements than these, which the
    comment on one of them tells. Bodies are parsed here and mean the same for every caller; that of the first is only
    read when it is called, because not every server has what it calls. -#}
{% macro create_functions() -%}
    {%- if execute and flags.WHICH != 'freshness' -%}
    {%- set schema = function_schema() -%}
    {%- set intermediate = '"' ~ generate_schema_name('intermediate', none) ~ '"' -%}
    {%- set staging = generate_schema_name('staging', none) -%}
    {%- set marked = schema ~ '.duration_percentile(jsonb, numeric)' -%}
    {%- set statements %}
    create schema if not exists {{ schema }};

    -- What version 0.1 had in their place, and tables of its that no model is left of.
    set client_min_messages = warning;
    drop aggregate if exists {{ schema }}.duration_percentile(integer, bigint, numeric);
    drop function if exists {{ schema }}.duration_percentile_value(text);
    drop function if exists {{ schema }}.duration_percentile_merge(text, text);
    drop function if exists {{ schema }}.duration_percentile_append(text, integer, bigint, numeric);
    drop function if exists {{ schema }}.duration_percentile_compact(text);
    drop function if exists {{ schema }}.duration_percentile_buckets(text);
    drop table if exists {{ table_of_marts('reconciled_periods') }} cascade;
    drop table if exists {{ table_of_marts('reconciled_provider_periods') }} cascade;
    drop table if exists {{ intermediate }}.int_touched_organization_days cascade;
    drop table if exists {{ intermediate }}.int_touched_provider_days cascade;
    -- The ledgers that the warehouse writes have a folder of their own now; what reads them follows.
    do $upgrade$
    declare
        ledger record;
    begin
        for ledger in
            select
                old_view,
                regexp_replace(old_view, '^stg_[a-z]+', 'stg_warehouse') as new_view
            from unnest(array[
                'stg_platform__loads', 'stg_platform__landed_totals', 'stg_platform__event_totals',
                'stg_platform__finished_builds', 'stg_platform__seals', 'stg_platform__sealed_organizations',
                'stg_platform__sealed_executions', 'stg_quality__check_results'
            ]) as old_views (old_view)
        loop
            if to_regclass(format('%I.%I', '{{ staging }}', ledger.new_view)) is null then
                execute format(
                    'alter view if exists %I.%I rename to %I', '{{ staging }}', ledger.old_view, ledger.new_view
                );
            end if;
        end loop;
    end
    $upgrade$;
    -- Corrections are a view of these now, and are asked for by execution.
    do $upgrade$
    begin
        if to_regclass('{{ intermediate }}.int_cost_changes') is not null then
            create unique index if not exists int_cost_changes_of_executions
            on {{ intermediate }}.int_cost_changes (execution_id, invocation_id);
        end if;
    end
    $upgrade$;
    reset client_min_messages;

    {{ create_decryption(schema) }};

    create or replace function {{ schema }}.add_maps(a jsonb, b jsonb)
    returns jsonb
    language sql immutable parallel safe
    return case
        when b = '{}' then a
        when a = '{}' then b
        else (
            select coalesce(jsonb_object_agg(added.key, added.number), '{}')
            from (
                select
                    entries.key,
                    sum(cast(entries.value as numeric)) as number
                from (
                    select * from jsonb_each_text(a)
                    union all
                    select * from jsonb_each_text(b)
                ) as entries
                group by entries.key
                having sum(cast(entries.value as numeric)) <> 0
            ) as added
        )
    end;

    create or replace aggregate {{ schema }}.sum_maps(jsonb) (
        stype = jsonb,
        sfunc = {{ schema }}.add_maps,
        combinefunc = {{ schema }}.add_maps,
        initcond = '{}',
        parallel = safe
    );

    create or replace function {{ schema }}.count_map(names text [], signs smallint [])
    returns jsonb
    language sql immutable parallel safe
    return (
        select coalesce(jsonb_object_agg(counted.name, counted.number), '{}')
        from (
            select
                entries.name,
                sum(entries.sign) as number
            from unnest(names, signs) as entries (name, sign)
            group by entries.name
            having sum(entries.sign) <> 0
        ) as counted
    );

    create or replace function {{ schema }}.duration_percentile(durations jsonb, share numeric)
    returns numeric
    language sql immutable parallel safe
    return (
        select {{ duration_of_bucket('min(ranked.bucket) filter (where ranked.reached >= share * ranked.tasks)') }}
        from (
            select
                cast(entries.key as integer) as bucket,
                sum(cast(entries.value as bigint)) over (order by cast(entries.key as integer)) as reached,
                sum(cast(entries.value as bigint)) over () as tasks
            from jsonb_each_text(durations) as entries
        ) as ranked
    )
    {%- endset -%}
    {%- set version = 'Version ' ~ local_md5(statements) -%}
    {%- set standing = run_query(
        "select obj_description(to_regprocedure('" ~ marked ~ "'), 'pg_proc')"
    ).rows[0][0] -%}
    {%- if standing != version -%}
    {%- call statement('functions') %}
    {{ statements }};

    comment on function {{ marked }} is '{{ version }}'
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}
