-- A returned row is an organization's month whose figures differ from the sum of its days.
-- Looks at the months of the days that the build changed, in a sweep at everything.

{{ config(meta={'dagster': {'ref': {'name': 'organization_analytics'}}}) }}

with organizations as (

    select *
    from {{ ref('organization_analytics') }}
    {% if not var('sweep') %}
    where
        (organization_id, {{ first_day('monthly', 'metric_date') }}) in (
            select
                changed.organization_id,
                {{ first_day('monthly', 'changed.metric_date') }} as metric_date
            from ({{ changed_days('organization_analytics') }}) as changed
        )
    {% endif %}

),

months as (

    select *
    from organizations
    where aggregation_period = 'monthly'

),

days as (

    select
        organization_id,
        {{ first_day('monthly', 'metric_date') }} as metric_date,
        sum(total_tasks) as total_tasks,
        sum(total_tokens) as total_tokens,
        sum(total_spend_usd) as total_spend_usd,
        sum(total_savings_usd) as total_savings_usd,
        sum(timed_tasks) as timed_tasks
    from organizations
    where aggregation_period = 'daily'
    group by organization_id, {{ first_day('monthly', 'metric_date') }}

)

select
    coalesce(months.organization_id, days.organization_id) as organization_id,
    coalesce(months.metric_date, days.metric_date) as metric_date,
    months.total_tasks,
    days.total_tasks as tasks_of_days
from months
full outer join days
    on months.organization_id = days.organization_id and months.metric_date = days.metric_date
where
    months.total_tasks is distinct from days.total_tasks
    or months.total_tokens is distinct from days.total_tokens
    or months.total_spend_usd is distinct from days.total_spend_usd
    or months.total_savings_usd is distinct from days.total_savings_usd
    or months.timed_tasks is distinct from days.timed_tasks
