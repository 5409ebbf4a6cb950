{#- Post-hook of all models that follow the facts: move the bookmark to what has just been read, in the transaction
    that wrote it: both stand or neither. A model that reads others as well names them in `after`, so that it is
    never ahead of any. -#}
{% macro close_changes(after=[]) -%}
    {%- if not is_incremental() and config.get('incremental_strategy') == 'add' %}
    -- Room for the next version of a row beside it, so that an update leaves the indexes alone.
    alter table {{ this }} set (fillfactor = 70);

    {{ carry_over_sealed_rows() }}
    {%- endif %}
    insert into {{ ref('int_bookmarks') }} as bookmarks (model_name, build_id, version)
    select
        '{{ this.identifier }}' as model_name,
        min(build_id) as build_id,
        '{{ formula_version() }}' as version
    from {{ ref('int_bookmarks') }}
    where model_name in ({{ "'" ~ (['fct_task_executions'] + after) | join("', '") ~ "'" }})
    having count(*) = {{ after | length + 1 }}
    on conflict (model_name) do update
    set build_id = excluded.build_id
    {%- if not is_rebuild() %}, version = excluded.version{% endif %}
    where (bookmarks.build_id, bookmarks.version) is distinct from (excluded.build_id, excluded.version);
{%- endmacro %}
