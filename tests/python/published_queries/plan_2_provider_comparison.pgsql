-- The MVP plan document, appendix, Get Provider Performance Comparison, as printed there.
SELECT
  provider,
  task_type,
  COUNT(*) as tasks,
  AVG(duration_ms) as avg_duration,
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY duration_ms) as p50_duration,
  PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY duration_ms) as p95_duration,
  SUM(actual_cost) as total_cost,
  AVG(actual_cost) as avg_cost,
  COUNT(*) FILTER (WHERE success = true) as successful_tasks,
  ROUND((COUNT(*) FILTER (WHERE success = true)::numeric / COUNT(*)::numeric * 100), 2) as success_rate
FROM task_executions
WHERE organization_id = $1
  AND start_time >= $2
  AND start_time < $3
GROUP BY provider, task_type
ORDER BY tasks DESC;
