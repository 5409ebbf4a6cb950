{#- First pre-hook of all models that follow the facts: one build at a time, which sees one state of the database to
    the commit, so that nothing is counted by one statement and missed by another. A model that is new, was
    dropped, is refreshed or has another formula than its rows loses its bookmark, and one without a bookmark
    its open rows, because it will read everything. Sealed rows stay. -#}
{% macro open_changes() -%}
    {%- set exists_already = load_relation(this) is not none -%}
    set transaction isolation level repeatable read;
    {%- if exists_already %}
    lock table {{ this }} in share row exclusive mode;
    {%- endif %}
    {%- if refreshes_open_rows() %}
    {{ renew_columns() }}
    {%- endif %}
    {{ set_join_methods() }}

    delete from {{ ref('int_bookmarks') }}
    where
        model_name = '{{ this.identifier }}'
        {%- if exists_already and not flags.FULL_REFRESH and not compares_everything() %}
        and {{ 'false' if is_rebuild() else 'true' }}
        and version <> '{{ formula_version() }}'
        {%- endif %};
    {{ clear_open_rows() if exists_already }}
{%- endmacro %}
