-- The schema design document, section 3.2, Real-Time Savings Counter, as printed there.
-- Today's savings so far
SELECT
  COALESCE(SUM(savings_usd), 0) as todays_savings
FROM task_executions
WHERE organization_id = $1
  AND start_time >= date_trunc('day', CURRENT_TIMESTAMP)
  AND status = 'completed';
