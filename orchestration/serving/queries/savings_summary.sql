-- What was saved in a period, and its course by day, week or month. Whoever may see people only
-- adds up the days of these.
with days as (

    select
        metric_date,
        total_tasks,
        unpriced_tasks,
        compared_tasks,
        total_cost_usd,
        total_spend_usd,
        compared_cost_usd,
        total_baseline_cost_usd,
        total_savings_usd
    from marts.organization_days
    where
        %(scope)s = 'organization'
        and organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s
    union all
    select
        metric_date,
        total_tasks,
        unpriced_tasks,
        compared_tasks,
        total_cost_usd,
        total_spend_usd,
        compared_cost_usd,
        total_baseline_cost_usd,
        total_savings_usd
    from marts.user_days
    where
        %(scope)s = 'people'
        and organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s

),

total as (

    select
        sum(total_tasks) as total_tasks,
        sum(unpriced_tasks) as unpriced_tasks,
        sum(compared_tasks) as compared_tasks,
        sum(total_cost_usd) as total_cost_usd,
        sum(total_spend_usd) as total_spend_usd,
        sum(compared_cost_usd) as compared_cost_usd,
        sum(total_baseline_cost_usd) as baseline_cost_usd,
        sum(total_savings_usd) as total_savings_usd
    from days

),

points as (

    select
        cast(date_trunc(%(period)s, metric_date) as date) as point,
        sum(total_savings_usd) as savings_usd,
        sum(total_spend_usd) as spend_usd
    from days
    group by point

)

select
    json_build_object(
        'total_savings', round(total_savings_usd, 2),
        'total_savings_usd', cast(total_savings_usd as text),
        'total_cost', round(total_cost_usd, 2),
        'total_cost_usd', cast(total_cost_usd as text),
        'total_spend_usd', cast(total_spend_usd as text),
        'compared_cost_usd', cast(compared_cost_usd as text),
        'baseline_cost', round(baseline_cost_usd, 2),
        'baseline_cost_usd', cast(baseline_cost_usd as text),
        'savings_percentage', round(100 * total_savings_usd / nullif(baseline_cost_usd, 0), 2),
        'currency', 'USD',
        'period', json_build_object('start', cast(%(start_date)s as date), 'end', cast(%(end_date)s as date)),
        'trend', coalesce(
            (
                select
                    json_agg(
                        json_build_object(
                            'date', point,
                            'savings', round(savings_usd, 2),
                            'savings_usd', cast(savings_usd as text),
                            'spend_usd', cast(spend_usd as text)
                        )
                        order by point
                    )
                from points
            ),
            '[]'
        ),
        'counted', json_build_object(
            'total_tasks', coalesce(total_tasks, 0),
            'unpriced_tasks', coalesce(unpriced_tasks, 0),
            'compared_tasks', coalesce(compared_tasks, 0)
        )
    )
from total
