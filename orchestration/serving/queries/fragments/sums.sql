coalesce(sum(total_tasks), 0) as tasks,
coalesce(sum(successful_tasks), 0) as completed_tasks,
coalesce(sum(failed_tasks), 0) as failed_tasks,
coalesce(sum(timed_out_tasks), 0) as timed_out_tasks,
coalesce(sum(unpriced_tasks), 0) as unpriced_tasks,
coalesce(sum(compared_tasks), 0) as compared_tasks,
coalesce(sum(total_tokens), 0) as total_tokens,
sum(total_cost_usd) as actual_cost_usd,
sum(failed_cost_usd) as failed_cost_usd,
sum(total_spend_usd) as spend_usd,
sum(compared_cost_usd) as compared_cost_usd,
sum(total_baseline_cost_usd) as baseline_cost_usd,
sum(total_savings_usd) as savings_usd,
round(100 * sum(total_savings_usd) / nullif(sum(total_baseline_cost_usd), 0), 2)
    as savings_percentage,
round(sum(total_cost_usd) / nullif(sum(costed_tasks), 0), 12) as avg_cost_per_task_usd,
round(
    sum(successful_tasks) / nullif(cast(sum(successful_tasks + failed_tasks) as numeric), 0), 6
) as success_rate,
round(sum(total_duration_ms) / nullif(sum(timed_tasks), 0), 3) as avg_duration_ms
