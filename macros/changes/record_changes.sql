{#- Statements of `fct_task_executions`, after its rows were written and in their transaction: log the executions
    that changed, as they were with the sign -1 and as they are with +1, under the number of this build. When the
    facts are built anew nobody can go on from where they were: the log and the bookmarks of all others go, and
    whoever follows the facts reads all of them. -#}
{% macro record_changes() -%}
    {%- set log, bookmarks = ref('int_execution_changes'), ref('int_bookmarks') -%}
    {%- if flags.FULL_REFRESH or not is_incremental() %}
    delete from {{ log }};
    delete from {{ bookmarks }} where model_name <> '{{ this.identifier }}';

    -- A build of which the log tells nothing, so that nobody takes it for one without changes.
    insert into {{ bookmarks }} as bookmarks (model_name, build_id, version)
    select '{{ this.identifier }}' as model_name, 1 as build_id, '' as version
    on conflict (model_name) do update
    set build_id = bookmarks.build_id + 1;
    {%- else %}
    {%- set columns = change_columns() %}
    create temporary table executions_after on commit drop as
    select {{ columns | join(', ') }}
    from {{ this }}
    where execution_id in (select batch.execution_id from {{ ref('int_execution_batch') }} as batch);

    analyze executions_after;

    insert into {{ log }} (build_id, sign, {{ columns | join(', ') }})
    {%- for sign, side, other in [
        ('-1', 'executions_before', 'executions_after'), ('1', 'executions_after', 'executions_before')
    ] %}
    select
        {{ next_build() }} as build_id,
        {{ sign }} as sign,
        {{ side }}.{{ columns | join(', ' ~ side ~ '.') }}
    from {{ side }}
    left join {{ other }} on {{ side }}.execution_id = {{ other }}.execution_id
    where
        ({{ side }}.{{ columns | join(', ' ~ side ~ '.') }})
        is distinct from ({{ other }}.{{ columns | join(', ' ~ other ~ '.') }})
    {{ 'union all' if not loop.last }}
    {%- endfor %};
    {%- endif %}
{%- endmacro %}
