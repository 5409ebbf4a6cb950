-- How much was saved by work that was as good as the baseline's, and how much by other work.
with quality_of_savings as (

    {{ quality_of_savings }}

)

select
    success_comparison,
    count(*) as comparisons,
    sum(compared_tasks) as compared_tasks,
    sum(total_savings_usd) as savings_usd
from quality_of_savings
group by success_comparison
order by success_comparison
