-- The MVP plan, "Materialized Views for Real-Time Dashboards", as printed there.
CREATE MATERIALIZED VIEW mv_daily_savings AS
SELECT
  organization_id,
  DATE(start_time) as date,
  provider,
  task_type,
  COUNT(*) as tasks_completed,
  SUM(tokens_used) as total_tokens,
  SUM(actual_cost) as actual_cost,
  SUM(baseline_cost) as baseline_cost,
  SUM(savings) as total_savings,
  AVG(duration_ms) as avg_duration_ms,
  COUNT(*) FILTER (WHERE success = true) as successful_tasks,
  COUNT(*) FILTER (WHERE success = false) as failed_tasks
FROM task_executions
WHERE success = true -- Only include successful tasks in savings
GROUP BY organization_id, DATE(start_time), provider, task_type;

-- Refresh strategy: Every 5 minutes during business hours, every hour otherwise
CREATE UNIQUE INDEX idx_mv_daily_savings_unique
  ON mv_daily_savings(organization_id, date, provider, task_type);

CREATE MATERIALIZED VIEW mv_org_current_month AS
SELECT
  organization_id,
  DATE_TRUNC('month', start_time) as month,
  COUNT(*) as total_tasks,
  SUM(actual_cost) as total_cost,
  SUM(savings) as total_savings,
  ROUND((SUM(savings) / NULLIF(SUM(baseline_cost), 0) * 100)::numeric, 2) as savings_percentage,
  COUNT(DISTINCT user_id) as active_users,
  COUNT(DISTINCT provider) as providers_used
FROM task_executions
WHERE start_time >= DATE_TRUNC('month', CURRENT_TIMESTAMP)
  AND success = true
GROUP BY organization_id, DATE_TRUNC('month', start_time);

CREATE UNIQUE INDEX idx_mv_org_current_month_unique
  ON mv_org_current_month(organization_id, month);
