{#- Post-hook of all rollups that add up changes: move the bookmark to what has just been added, in the
    transaction that wrote it: both stand or neither. -#}
{% macro close_sums() -%}
    {%- if not is_incremental() %}
    -- Room for the next version of a row beside it, so that an update leaves the indexes alone.
    alter table {{ this }} set (fillfactor = 70);

    {{ carry_over_sealed_rows() }}
    {%- endif %}
    insert into {{ ref('int_bookmarks') }} as bookmarks (model_name, build_id, version)
    select
        '{{ this.identifier }}' as model_name,
        build_id,
        '{{ sums_version() }}' as version
    from {{ ref('int_bookmarks') }}
    where model_name = 'fct_task_executions'
    on conflict (model_name) do update
    set build_id = excluded.build_id
    {%- if not is_rebuild() %}, version = excluded.version{% endif %}
    where (bookmarks.build_id, bookmarks.version) is distinct from (excluded.build_id, excluded.version);
{%- endmacro %}
