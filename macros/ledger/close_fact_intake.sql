{#- Last statements of `fct_task_executions`: what it has just used goes into its record, and its own bookmark moves
    to this build, if that processed or changed anything; all in the transaction that wrote its rows. -#}
{% macro close_fact_intake() -%}
    {{ take_in(this.identifier, 'load', 'cast(inputs.load_id as text)', ref('stg_platform__loads')) }}
    {{ take_in_prices() }}
    insert into {{ ref('int_bookmarks') }} as bookmarks (model_name, build_id, version)
    select
        '{{ this.identifier }}' as model_name,
        coalesce(max(builds.build_id), 0) as build_id,
        {{ pricing_version() }} as version
    from (
        select max(build_id) as build_id from {{ ref('int_execution_changes') }}
        union all
        select max(build_id) as build_id from {{ ref('int_model_inputs') }}
    ) as builds
    on conflict (model_name) do update
    set build_id = greatest(bookmarks.build_id, excluded.build_id), version = excluded.version
    where bookmarks.build_id < excluded.build_id or bookmarks.version <> excluded.version;

    {{ forget_read_changes() }}
    delete from {{ ref('int_execution_work') }};
{%- endmacro %}
