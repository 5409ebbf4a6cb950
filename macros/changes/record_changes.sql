{#- Statements of `fct_task_executions`, after its rows were written and in their transaction: log the executions
    that changed, as they were with the sign -1 and as they are with +1, under the number of this build. When the
    facts are built anew nobody can go on from where they were: the log and all bookmarks go, and whoever adds
    up executions reads all of them. What all have read leaves the log. -#}
{% macro record_changes() -%}
    {%- set log, bookmarks = ref('int_execution_changes'), ref('int_bookmarks') -%}
    {%- if flags.FULL_REFRESH or not is_incremental() %}
    create temporary table last_build on commit drop as
    select coalesce(max(build_id), 0) as build_id from {{ bookmarks }};

    delete from {{ log }};
    delete from {{ bookmarks }};

    insert into {{ bookmarks }} (model_name, build_id, version)
    select '{{ this.identifier }}' as model_name, build_id + 1, '' as version from last_build;
    {%- else %}
    {%- set columns = change_columns() %}
    create temporary table executions_after on commit drop as
    select {{ columns | join(', ') }}
    from {{ this }}
    where execution_id in (select work.execution_id from {{ ref('int_execution_work') }} as work);

    analyze executions_after;

    insert into {{ log }} (build_id, sign, {{ columns | join(', ') }})
    with last_build as (

        select coalesce(max(build_id), 0) as build_id from {{ bookmarks }}

    )
    {%- for sign, side, other in [
        ('-1', 'executions_before', 'executions_after'), ('1', 'executions_after', 'executions_before')
    ] %}

    select
        last_build.build_id + 1,
        {{ sign }} as sign,
        {{ side }}.{{ columns | join(', ' ~ side ~ '.') }}
    from {{ side }}
    cross join last_build
    left join {{ other }} on {{ side }}.execution_id = {{ other }}.execution_id
    where
        ({{ side }}.{{ columns | join(', ' ~ side ~ '.') }})
        is distinct from ({{ other }}.{{ columns | join(', ' ~ other ~ '.') }})
    {{ 'union all' if not loop.last }}
    {%- endfor %};

    insert into {{ bookmarks }} as bookmarks (model_name, build_id, version)
    select '{{ this.identifier }}' as model_name, coalesce(max(build_id), 0), '' as version from {{ log }}
    on conflict (model_name) do update
    set build_id = excluded.build_id
    where bookmarks.build_id < excluded.build_id;

    {{ forget_read_changes() }}
    {%- endif %}
{%- endmacro %}
