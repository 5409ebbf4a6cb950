-- The MVP plan document, appendix, Get Daily Savings Trend, as printed there.
SELECT
  DATE(start_time) as date,
  SUM(savings) as daily_savings,
  SUM(SUM(savings)) OVER (ORDER BY DATE(start_time)) as cumulative_savings,
  COUNT(*) as tasks
FROM task_executions
WHERE organization_id = $1
  AND start_time >= $2
  AND success = true
GROUP BY DATE(start_time)
ORDER BY date;
