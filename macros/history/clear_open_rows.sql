{#- Statement of a model that holds sealed rows: in a full refresh, delete all others. Part of `open_intake`, but for
    the facts, which still tell the days that their executions leave. -#}
{% macro clear_open_rows() -%}
    {%- if refreshes_open_rows() -%}
    {%- set meta = config.get('meta') -%}
    {%- set last = last_day('aggregation_period', 'metric_date')
        if 'aggregation_period' in model.columns else 'metric_date' -%}
    {%- if meta['sealed'] == 'executions' %}
    delete from {{ this }} as executions
    where
        not exists (
            select 1
            from {{ ref('stg_platform__sealed_executions') }} as sealed
            where sealed.execution_id = executions.execution_id
        );
    {%- elif meta['sealed'] == 'decisions' %}
    delete from {{ this }}
    where decision_timestamp >= {{ sealed_before() }};
    {%- elif meta['sealed'] == 'days' and meta.get('unit') == 'provider' %}
    delete from {{ this }}
    where {{ utc_midnight(last) }} >= {{ sealed_before() }};
    {%- elif meta['sealed'] == 'days' %}
    delete from {{ this }} as days
    where
        not exists (
            select 1
            from {{ ref('int_sealed_days') }} as sealed_days
            where
                sealed_days.organization_id = days.organization_id
                and {{ last }} < sealed_days.sealed_until
        );
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}
