{#- Statement of a model that holds sealed rows: in a full refresh, delete all others. Part of `open_intake`, but for
    the facts, which still tell the days that their executions leave. -#}
{% macro clear_open_rows() -%}
    {%- if refreshes_open_rows() -%}
    {%- set meta = config.get('meta') -%}
    {%- if meta['sealed'] == 'executions' %}
    delete from {{ this }} as executions
    where
        not exists (
            select 1
            from {{ ref('stg_platform__sealed_executions') }} as sealed
            where sealed.execution_id = executions.execution_id
        );
    {%- elif meta['sealed'] == 'decisions' %}
    delete from {{ this }} as decisions
    where {{ is_open_at('decisions', 'decisions.decision_timestamp') }};
    {%- elif meta['sealed'] == 'days' %}
    {%- set last = last_day('periods.aggregation_period', 'periods.metric_date')
        if 'aggregation_period' in model.columns else 'periods.metric_date' %}
    delete from {{ this }} as periods
    where {{ is_open('periods', last, meta.get('unit')) }};
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}
