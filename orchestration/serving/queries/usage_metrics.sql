-- Who used it, how much, and how much of it was routed and saved something.
with user_days as (

    select
        metric_date,
        user_id,
        total_tasks
    from marts.user_days
    where
        organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s

),

total as (

    select
        coalesce(sum(total_tasks), 0) as total_tasks,
        count(distinct metric_date) as active_days,
        count(distinct user_id) as active_users,
        count(user_id) as active_user_days,
        coalesce(sum(total_tasks) filter (where user_id is not null), 0) as tasks_of_users
    from user_days

),

-- No rollup says which executions were routed.
adoption as (

    select
        count(*) as tasks,
        count(routing_decision_id) as routed_tasks,
        count(savings_usd) as compared_tasks,
        count(*) filter (where savings_usd > 0) as saving_tasks
    from marts.fct_task_executions
    where
        organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s
        -- For the index: no time zone is further from UTC than this.
        and start_time >= cast(%(start_date)s as timestamp) at time zone 'UTC' - interval '1 day'
        and start_time < cast(%(end_date)s as timestamp) at time zone 'UTC' + interval '2 days'

)

select
    round(total.active_user_days / nullif(cast(total.active_days as numeric), 0), 2)
        as daily_active_users,
    round(total.total_tasks / nullif(cast(total.active_days as numeric), 0), 2) as tasks_per_day,
    round(total.tasks_of_users / nullif(cast(total.active_user_days as numeric), 0), 2)
        as tasks_per_user,
    total.total_tasks,
    total.active_days,
    total.active_users,
    json_build_object(
        'intelligent_routing',
        round(adoption.routed_tasks / nullif(cast(adoption.tasks as numeric), 0), 4),
        'cost_optimization',
        round(adoption.saving_tasks / nullif(cast(adoption.compared_tasks as numeric), 0), 4)
    ) as feature_adoption
from total
cross join adoption
