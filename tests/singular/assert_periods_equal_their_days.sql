-- A returned row is a week or month of a user or of a provider's model and task type whose figures
-- differ from the sums of its days, as only a sweep looks at: builds keep these periods by what
-- their days changed.

{{ config(meta={'dagster': {'ref': {'name': 'user_analytics'}}}) }}

with periods as (

    select
        concat_ws('|', organization_id, user_id) as unit,
        aggregation_period,
        metric_date,
        total_tasks,
        total_tokens,
        total_spend_usd,
        total_savings_usd,
        timed_tasks
    from {{ ref('user_analytics') }}
    {% if not var('sweep') %}
    where false
    {% endif %}
    union all
    select
        concat_ws('|', provider, coalesce(model, '-'), task_type) as unit,
        aggregation_period,
        metric_date,
        total_tasks,
        total_tokens,
        total_spend_usd,
        total_savings_usd,
        timed_tasks
    from {{ ref('provider_performance_metrics') }}
    {% if not var('sweep') %}
    where false
    {% endif %}

),

days as (

    select *
    from periods
    where aggregation_period = 'daily'

),

longer as (

    select *
    from periods
    where aggregation_period in ('weekly', 'monthly')

),

sums as (

    select
        days.unit,
        kinds.aggregation_period,
        kinds.first_day as metric_date,
        sum(days.total_tasks) as total_tasks,
        sum(days.total_tokens) as total_tokens,
        sum(days.total_spend_usd) as total_spend_usd,
        sum(days.total_savings_usd) as total_savings_usd,
        sum(days.timed_tasks) as timed_tasks
    from days
    cross join
        lateral (
            values
            ('weekly', {{ first_day('weekly', 'days.metric_date') }}),
            ('monthly', {{ first_day('monthly', 'days.metric_date') }})
        ) as kinds (aggregation_period, first_day)
    group by days.unit, kinds.aggregation_period, kinds.first_day

)

select
    coalesce(longer.unit, sums.unit) as unit,
    coalesce(longer.aggregation_period, sums.aggregation_period) as aggregation_period,
    coalesce(longer.metric_date, sums.metric_date) as metric_date,
    longer.total_tasks,
    sums.total_tasks as tasks_of_days
from longer
full outer join sums
    on
        longer.unit = sums.unit
        and longer.aggregation_period = sums.aggregation_period
        and longer.metric_date = sums.metric_date
where
    longer.total_tasks is distinct from sums.total_tasks
    or longer.total_tokens is distinct from sums.total_tokens
    or longer.total_spend_usd is distinct from sums.total_spend_usd
    or longer.total_savings_usd is distinct from sums.total_savings_usd
    or longer.timed_tasks is distinct from sums.timed_tasks
