{#- Statement of a model that follows the facts: without a bookmark it will read everything, so delete its rows that
    are not sealed; in a rebuild those of rebuilt days. What a model holds, its meta `sealed` says, which is
    days of a rollup. The facts, which have no bookmark to lose, delete in a full refresh. -#}
{% macro clear_open_rows() -%}
    {%- set meta = config.get('meta') or {} -%}
    {%- set unit = meta.get('unit', 'organization') -%}
    {%- set held = meta.get('sealed', 'days' if config.get('incremental_strategy') == 'add') -%}
    {%- if held == 'executions' and refreshes_open_rows() %}
    delete from {{ this }} as executions
    where
        not exists (
            select 1
            from {{ ref('stg_warehouse__sealed_executions') }} as sealed
            where sealed.execution_id = executions.execution_id
        );
    {%- elif held in ('days', 'decisions', 'comparisons') and is_incremental() %}
    delete from {{ this }} as held
    where
        (
            {{ bookmark_of(this.identifier) }} is null
            {%- if is_rebuild() and held != 'decisions' %}
            or {{ is_rebuilt_day('held', 'held.metric_date', unit) }}
            {%- endif %}
        )
        {%- if held == 'days' %}
        and {{ is_open('held', 'held.metric_date', unit) }}
        {%- elif held == 'decisions' %}
        and {{ is_open_at('held', 'held.decision_timestamp') }}
        {%- endif %};
    {%- endif -%}
{%- endmacro %}
