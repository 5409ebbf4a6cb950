{#- Pre-hook of all rollups that add up changes: one build at a time, which sees one state of the database. A
    rollup that is new, was dropped, is refreshed or has another formula than its rows loses its bookmark,
    and one without a bookmark its open rows, because it will read all facts. Sealed rows stay. -#}
{% macro open_sums() -%}
    {%- set exists_already = load_relation(this) is not none -%}
    {%- set unit = (config.get('meta') or {}).get('unit', 'organization') -%}
    set transaction isolation level repeatable read;
    {%- if exists_already %}
    lock table {{ this }} in share row exclusive mode;
    {%- endif %}
    -- The planner reckons with the half of `changes_of` that is not executed.
    set local jit = off;

    delete from {{ ref('int_bookmarks') }}
    where
        model_name = '{{ this.identifier }}'
        {%- if exists_already and not flags.FULL_REFRESH %}
        and {{ 'false' if is_rebuild() else 'true' }}
        and version <> '{{ sums_version() }}'
        {%- endif %};
    {%- if exists_already %}

    delete from {{ this }} as sums
    where
        {{ is_open('sums', 'sums.metric_date', unit) }}
        and (
            {%- if is_rebuild() %}
            {{ is_rebuilt_day('sums', 'sums.metric_date', unit) }} or
            {%- endif %}
            not exists (
                select 1 from {{ ref('int_bookmarks') }} where model_name = '{{ this.identifier }}'
            )
        );
    {%- endif %}
{%- endmacro %}
