{#- Last statements of `fct_task_executions`: what it has just processed is noted, and its own bookmark moves to this
    build, if that processed or changed anything; all in the transaction that wrote its rows. -#}
{% macro close_fact_intake() -%}
    {%- set processed_loads, processed_prices = ref('int_processed_loads'), ref('int_processed_prices') -%}
    insert into {{ processed_loads }} (load_id, build_id, invocation_id, processed_at)
    select
        arrived.load_id,
        {{ next_build() }} as build_id,
        '{{ invocation_id }}' as invocation_id,
        current_timestamp as processed_at
    from {{ ref('int_arrived_loads') }} as arrived;

    delete from {{ processed_prices }}
    where price_input_id not in (select inputs.price_input_id from {{ ref('int_price_inputs') }} as inputs);

    insert into {{ processed_prices }}
        (price_input_id, input_kind, source_id, organization_id, provider, model, valid_from, valid_until)
    select price_input_id, input_kind, source_id, organization_id, provider, model, valid_from, valid_until
    from {{ ref('int_price_inputs') }}
    where price_input_id not in (select processed.price_input_id from {{ processed_prices }} as processed);

    insert into {{ ref('int_bookmarks') }} as bookmarks (model_name, build_id, version)
    select
        '{{ this.identifier }}' as model_name,
        coalesce(max(builds.build_id), 0) as build_id,
        {{ pricing_version() }} as version
    from (
        select max(build_id) as build_id from {{ ref('int_execution_changes') }}
        union all
        select max(build_id) as build_id from {{ processed_loads }}
    ) as builds
    on conflict (model_name) do update
    set build_id = greatest(bookmarks.build_id, excluded.build_id), version = excluded.version
    where bookmarks.build_id < excluded.build_id or bookmarks.version <> excluded.version;

    {{ forget_read_changes() }}
    delete from {{ ref('int_execution_batch') }};
{%- endmacro %}
