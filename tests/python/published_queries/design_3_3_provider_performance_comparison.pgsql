-- The schema design document, section 3.3, Provider Performance Comparison, as printed there.
-- Compare providers for a specific task type this month
SELECT
  provider,
  AVG(success_rate) as avg_success_rate,
  AVG(avg_duration_ms) as avg_duration,
  SUM(total_tasks) as total_tasks,
  AVG(avg_cost_usd) as avg_cost
FROM provider_performance_metrics
WHERE task_type = $1
  AND metric_date >= date_trunc('month', CURRENT_DATE)
GROUP BY provider
ORDER BY avg_success_rate DESC, avg_cost ASC;
