{#- Subquery: what a rollup has to add: the executions that the facts have changed since the rollup's bookmark, as
    they were with the sign -1 and as they are with +1; without a bookmark all of them, with +1. Sealed days of
    the `unit`, organization or provider, are left out, and days that are rebuilt are read anew. PostgreSQL
    asks for the bookmark once and executes one half only. `dbt show` shows what the facts give. A view that adds
    to what another model holds names that one as the `reader`; a model that also reads others names them in
    `after`, and is given no build that one of them lacks. -#}
{% macro changes_of(facts, unit='organization', reader=none, after=[]) -%}
    {%- set bookmark -%}
        select build_id from {{ ref('int_bookmarks') }} where model_name = '{{ reader or name_of_model() }}'
    {%- endset -%}
    {%- set columns = change_columns() -%}
    {%- set rebuilt = is_rebuilt_day('changes', day_of('changes', unit), unit) if is_rebuild() and not reader -%}
    {%- set is_shown = flags.WHICH == 'show' and not reader -%}
    (
        select
            changes.sign,
            changes.{{ columns | join(',\n            changes.') }}
        from {{ ref('int_execution_changes') }} as changes
        where
            changes.build_id > ({{ bookmark }})
            {%- if after %}
            and changes.build_id <= (
                select min(build_id)
                from {{ ref('int_bookmarks') }}
                where model_name in ({{ "'" ~ after | join("', '") ~ "'" }})
            )
            {%- endif %}
            and {{ is_open('changes', day_of('changes', unit), unit) }}
            {%- if is_shown %}
            and false
            {%- elif rebuilt %}
            and not ({{ rebuilt }})
            {%- endif %}
        union all
        select
            cast(1 as smallint) as sign,
            changes.{{ columns | join(',\n            changes.') }}
        from {{ ref(facts) }} as changes
        where
            {{ is_open('changes', day_of('changes', unit), unit) }}
            {%- if not is_shown %}
            and (not exists ({{ bookmark }}){{ ' or ' ~ rebuilt if rebuilt }})
            {%- endif %}
    ) as changes
{%- endmacro %}
