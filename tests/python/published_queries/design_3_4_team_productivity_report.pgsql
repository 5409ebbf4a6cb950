-- The schema design document, section 3.4, Team Productivity Report, as printed there.
-- Top performing developers this week
SELECT
  u.name,
  ua.total_tasks,
  ua.total_savings_usd,
  ua.most_used_provider
FROM user_analytics ua
JOIN users u ON ua.user_id = u.id
WHERE ua.organization_id = $1
  AND ua.metric_date >= date_trunc('week', CURRENT_DATE)
  AND ua.aggregation_period = 'daily'
GROUP BY u.name, ua.total_tasks, ua.total_savings_usd, ua.most_used_provider
ORDER BY ua.total_tasks DESC
LIMIT 10;
