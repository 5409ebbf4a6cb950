-- A returned row is an execution that landed in a load which the facts have processed and that is
-- not in the facts, or one in the facts that never landed. Those of sealed days are let off. Looks
-- at what the build took in, in a full check at everything.

{{ config(meta={'dagster': {'ref': {'name': 'fct_task_executions'}}}) }}

{% set loads -%}
select processed.load_id
from {{ ref('int_processed_loads') }} as processed
{% if not var('full_check') and flags.WHICH == 'build' -%}
where processed.invocation_id = '{{ invocation_id }}'
{% elif not var('full_check') -%}
where processed.build_id = (select max(build_id) from {{ ref('int_processed_loads') }})
{% endif %}
{%- endset %}

with landed as (

    select execution_id
    from {{ ref('stg_platform__task_executions') }}
    where
        {{ landed_in(loads) }}

),

facts as (

    select execution_id from {{ ref('fct_task_executions') }}

),

differing as (

    select
        execution_id,
        'not in the facts' as difference
    from landed
    where
        not exists (
            select 1 from facts
            where facts.execution_id = landed.execution_id
        )
    {% if var('full_check') %}
    union all
    select
        execution_id,
        'never landed' as difference
    from facts
    where
        not exists (
            select 1 from landed
            where landed.execution_id = facts.execution_id
        )
    {% endif %}

)

select distinct
    execution_id,
    difference
from differing
where
    not exists (
        select 1
        from {{ ref('int_sealed_versions') }} as sealed
        where sealed.execution_id = differing.execution_id
    )
