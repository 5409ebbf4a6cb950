-- A returned row is a key of an execution, or of a measurement, that leads to no row: an
-- organization, person, provider, price or execution that nothing else knows. Looks at what the
-- last build that changed anything changed, in a full check at everything.

{{ config(meta={'dagster': {'ref': {'name': 'fct_measured_savings'}}}) }}

{% set keys_of_executions = {
    'organization_id': ('dim_organizations', 'organization_id'),
    'user_id': ('dim_users', 'user_id'),
    'provider': ('dim_providers', 'provider'),
    'price_id': ('dim_prices', 'price_id'),
    'baseline_price_id': ('dim_prices', 'price_id'),
} %}

{#- Without a log nobody has read any yet, or the facts were built anew. -#}
{% set is_unlogged %}
not exists (select 1 from {{ ref('int_execution_changes') }})
        and exists (
            select 1
            from {{ ref('int_processed_loads') }}
            where invocation_id = '{{ invocation_id }}'
        )
{% endset %}

with changes as (

    select distinct changed.execution_id
    from {{ ref('int_execution_changes') }} as changed
    where
        changed.build_id = (
            select max(latest.build_id) from {{ ref('int_execution_changes') }} as latest
        )

),

executions as (

    select executions.*
    from {{ ref('fct_task_executions') }} as executions
    inner join changes on executions.execution_id = changes.execution_id
    where {{ 'false' if var('full_check') else 'true' }}
    union all
    select *
    from {{ ref('fct_task_executions') }}
    where {{ 'true' if var('full_check') else is_unlogged }}

),

measurements as (

    {% for key in ['execution_id', 'measured_execution_id'] %}
    select measurements.*
    from {{ ref('fct_measured_savings') }} as measurements
    inner join changes on measurements.{{ key }} = changes.execution_id
    where {{ 'false' if var('full_check') else 'true' }}
    {{ 'union all' if loop.last else 'union' }}
    {% endfor %}
    select *
    from {{ ref('fct_measured_savings') }}
    where {{ 'true' if var('full_check') else is_unlogged }}

)

{% for key, (table, column) in keys_of_executions.items() %}
select
    '{{ key }}' as key_name,
    cast(executions.{{ key }} as text) as key_value,
    executions.execution_id
from executions
where
    executions.{{ key }} is not null
    and not exists (
        select 1
        from {{ ref(table) }} as known
        where
            known.{{ column }} = executions.{{ key }}
            {%- if key == 'user_id' %}
            and known.organization_id = executions.organization_id
            {%- endif %}
    )
union all
{% endfor %}
select
    'measured_execution_id' as key_name,
    cast(measurements.measured_execution_id as text) as key_value,
    measurements.execution_id
from measurements
where
    not exists (
        select 1
        from {{ ref('fct_task_executions') }} as known
        where known.execution_id = measurements.measured_execution_id
    )
