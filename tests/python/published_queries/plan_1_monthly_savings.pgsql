-- The MVP plan document, appendix, Get Organization's Monthly Savings, as printed there.
SELECT
  SUM(savings) as total_savings,
  SUM(actual_cost) as total_cost,
  SUM(baseline_cost) as baseline_cost,
  ROUND((SUM(savings) / NULLIF(SUM(baseline_cost), 0) * 100)::numeric, 2) as savings_percentage,
  COUNT(*) as total_tasks
FROM task_executions
WHERE organization_id = $1
  AND start_time >= DATE_TRUNC('month', CURRENT_TIMESTAMP)
  AND success = true;
