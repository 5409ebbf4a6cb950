-- Grain: one row per organization with executions in the month that it is now, in the
-- organization's present reporting time zone.

{{ config(materialized='view') }}

with months as (

    select * from {{ ref('organization_months') }}

),

organizations as (

    select
        organization_id,
        {{ first_day('monthly', local_date(warehouse_now(), 'timezone')) }} as current_month
    from {{ ref('dim_organizations') }}

),

final as (

    select
        months.organization_id,
        months.metric_date as month,
        months.metric_date,
        'monthly' as aggregation_period,
        months.total_tasks,
        months.successful_tasks,
        months.failed_tasks,
        months.timed_out_tasks,
        months.unpriced_tasks,
        months.total_cost_usd as total_cost,
        months.total_cost_usd,
        months.total_baseline_cost_usd,
        months.total_savings_usd as total_savings,
        months.total_savings_usd,
        months.failed_cost_usd,
        months.total_spend_usd,
        months.savings_percentage,
        months.active_developers as active_users,
        months.providers_used
    from months
    inner join organizations
        on
            months.organization_id = organizations.organization_id
            and months.metric_date = organizations.current_month

)

select * from final
