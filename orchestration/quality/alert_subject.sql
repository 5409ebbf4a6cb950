-- One row: of whom an alert speaks, as far as that is known. Of rows that break a rule the first
-- one; of an organization's rates and budgets also the model and the user with the largest part.

with broken as (

    select results.broken_ids -> 0 as ids
    from quality.check_results as results
    where results.rule = %(rule)s and %(unit)s = 'rows' and not results.is_success
    order by results.checked_at desc
    limit 1

),

alert as (

    select
        broken.ids,
        coalesce(
            cast(%(organization_id)s as uuid), cast(broken.ids ->> 'organization_id' as uuid)
        ) as organization_id,
        coalesce(broken.ids ->> 'price_id', oldest.price_id) as price_id,
        coalesce(cast(broken.ids ->> 'load_id' as bigint), latest.load_id) as load_id
    from (values (1)) as one (row)
    left join broken on true
    left join
        lateral (
            select fetched.price_id
            from intermediate.int_fetched_prices as fetched
            where %(rule)s = 'fetched_prices_are_fresh'
            order by fetched.recorded_at
            limit 1
        ) as oldest on true
    left join
        lateral (
            select max(loads.load_id) as load_id
            from raw.loads as loads
            where %(rule)s = 'landing_is_fresh'
        ) as latest on true

),

parts as (

    select
        'model' as kind,
        concat_ws(' ', provider, model) as name,
        organization_id,
        metric_date,
        failed_tasks,
        unpriced_tasks,
        total_savings_usd,
        total_spend_usd
    from marts.model_usage
    union all
    select
        'user' as kind,
        'user ' || coalesce(user_name, cast(user_id as text)) as name,
        organization_id,
        metric_date,
        failed_tasks,
        unpriced_tasks,
        total_savings_usd,
        total_spend_usd
    from marts.user_days

),

weights as (

    select
        parts.kind,
        parts.name,
        sum(
            case
                when %(rule)s in ('few_tasks_fail', 'most_tasks_succeed') then parts.failed_tasks
                when %(rule)s in ('costs_are_known', 'executions_have_cost_data')
                    then parts.unpriced_tasks
                when %(rule)s = 'few_tasks_cost_more_than_their_baseline'
                    then -parts.total_savings_usd
                when starts_with(%(rule)s, 'spend') then parts.total_spend_usd
            end
        ) as weight
    from alert
    inner join parts on alert.organization_id = parts.organization_id
    inner join marts.dim_organizations as organizations
        on alert.organization_id = organizations.organization_id
    cross join intermediate.int_quality_limits as limits
    where
        to_char(parts.metric_date, 'YYYY-MM') = %(period)s
        or coalesce(%(period)s, 'last') like 'last%%'
        and parts.metric_date
        > cast(now() at time zone organizations.timezone as date) - limits.alert_window_days
    group by parts.kind, parts.name

),

largest as (

    select distinct on (kind)
        kind,
        name
    from weights
    where weight > 0
    order by kind asc, weight desc, name asc

)

select
    alert.ids,
    array_remove(
        array[
            organizations.organization_name,
            concat_ws(' ', executions.provider, executions.model),
            'user ' || coalesce(users.user_name, cast(executions.user_id as text)),
            concat_ws(' ', decisions.chosen_provider, decisions.chosen_model),
            concat_ws(' ', prices.provider, prices.model),
            alert.ids ->> 'provider',
            'source ' || loads.source_name,
            (
                select 'mostly ' || string_agg(largest.name, ' and ' order by largest.kind)
                from largest
            )
        ],
        null
    ) as whom
from alert
left join marts.fct_task_executions as executions
    on executions.execution_id = cast(alert.ids ->> 'execution_id' as uuid)
left join marts.fct_routing_decisions as decisions
    on decisions.routing_decision_id = cast(alert.ids ->> 'routing_decision_id' as uuid)
left join marts.dim_organizations as organizations
    on organizations.organization_id
    = coalesce(alert.organization_id, executions.organization_id, decisions.organization_id)
left join marts.dim_users as users
    on executions.organization_id = users.organization_id and executions.user_id = users.user_id
left join marts.dim_prices as prices on alert.price_id = prices.price_id
left join raw.loads as loads on alert.load_id = loads.load_id
