-- What the platform returns: savings as measured, and the time that is said to be saved.
with measured as (

    {{ measured }}

),

assumed as (

    {{ assumed }}

),

months as (

    select
        assumed.*,
        round(measured.savings_per_task_usd * assumed.monthly_tasks, 12) as savings_usd,
        assumed.monthly_tasks * assumed.minutes_saved_per_task / 60 as hours_saved
    from measured
    cross join assumed

),

valued as (

    select
        *,
        round(hours_saved * hourly_rate_usd, 12) as time_value_usd,
        savings_usd + coalesce(round(hours_saved * hourly_rate_usd, 12), 0) as benefit_usd,
        12 * monthly_platform_cost_usd + implementation_cost_usd as first_year_cost_usd
    from months

)

select
    savings_usd as monthly_savings_usd,
    12 * savings_usd as annual_savings_usd,
    round(hours_saved, 2) as monthly_hours_saved,
    round(12 * hours_saved, 2) as annual_hours_saved,
    time_value_usd as monthly_time_value_usd,
    12 * time_value_usd as annual_time_value_usd,
    benefit_usd as monthly_benefit_usd,
    12 * benefit_usd as annual_benefit_usd,
    round(benefit_usd / nullif(developers, 0), 12) as monthly_benefit_per_developer_usd,
    benefit_usd - monthly_platform_cost_usd as monthly_net_benefit_usd,
    first_year_cost_usd,
    12 * benefit_usd - first_year_cost_usd as first_year_net_benefit_usd,
    round(100 * (12 * benefit_usd - first_year_cost_usd) / nullif(first_year_cost_usd, 0), 2)
        as roi_percentage,
    case
        when benefit_usd > monthly_platform_cost_usd
            then round(implementation_cost_usd / (benefit_usd - monthly_platform_cost_usd), 2)
    end as payback_months,
    array_remove(
        array[
            case
                when monthly_tasks is null then 'savings: no execution completed on these days'
                when savings_usd is null then 'savings: no execution was compared on these days'
            end,
            case
                when minutes_saved_per_task is null
                    then 'time value: no time saved per task was given; it counts as none'
                when hourly_rate_usd is null
                    then 'time value: no hourly rate was given; it counts as none'
            end,
            case when developers is null then 'benefit per developer: no number was given' end,
            case when first_year_cost_usd = 0 then 'roi_percentage: nothing is paid' end,
            case
                when benefit_usd <= monthly_platform_cost_usd
                    then 'payback_months: the benefit does not exceed the platform cost'
            end
        ],
        null
    ) as unknown
from valued
