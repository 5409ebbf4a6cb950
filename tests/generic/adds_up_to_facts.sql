{#- Fails with every open day on which a rollup of organizations holds other executions, or another spend, than the
    facts. In full checks, as every night: it reads all facts. -#}
{% test adds_up_to_facts(model) %}

with rollup_days as (

    select
        organization_id,
        metric_date,
        sum(total_tasks) as total_tasks,
        sum(total_spend_usd) as total_spend_usd
    from {{ model }}
    group by organization_id, metric_date

),

fact_days as (

    select
        organization_id,
        metric_date,
        count(*) as total_tasks,
        coalesce(sum(cost_usd), 0) as total_spend_usd
    from {{ ref('fct_task_executions') }}
    group by organization_id, metric_date

)

select
    days.organization_id,
    days.metric_date,
    rollup_days.total_tasks,
    fact_days.total_tasks as total_tasks_of_facts,
    rollup_days.total_spend_usd,
    fact_days.total_spend_usd as total_spend_usd_of_facts
from (
    select organization_id, metric_date from rollup_days
    union
    select organization_id, metric_date from fact_days
) as days
left join rollup_days
    on days.organization_id = rollup_days.organization_id and days.metric_date = rollup_days.metric_date
left join fact_days
    on days.organization_id = fact_days.organization_id and days.metric_date = fact_days.metric_date
where
    {{ 'true' if var('full_check') else 'false' }}
    and {{ is_open('days', 'days.metric_date') }}
    and (rollup_days.total_tasks, rollup_days.total_spend_usd)
    is distinct from (fact_days.total_tasks, fact_days.total_spend_usd)

{% endtest %}
