{#- Whether a model's table is replaced: as dbt decides, but a table that holds sealed rows is not. It is kept, its
    open rows are cleared away (`clear_open_rows`), and everything open is processed again. What such a model
    keeps, its meta `sealed` says: executions, decisions, days or members. `dbt show` shows what a table would be
    if it were built now: what an increment reads is only there while a build runs. -#}
{% macro should_full_refresh() -%}
    {%- set wanted = config.get('full_refresh') -%}
    {%- if wanted is none -%}
        {%- set wanted = flags.FULL_REFRESH or flags.WHICH == 'show' -%}
    {%- endif -%}
    {%- if wanted and execute and (config.get('meta') or {}).get('sealed') -%}
        {%- set marker = sealed_history() -%}
        {%- set wanted = adapter.get_relation(
            marker.database, marker.schema, marker.identifier
        ) is none or load_relation(this) is none -%}
    {%- endif -%}
    {{ return(wanted) }}
{%- endmacro %}
