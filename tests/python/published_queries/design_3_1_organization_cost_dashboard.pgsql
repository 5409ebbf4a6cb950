-- The schema design document, section 3.1, Organization Cost Dashboard, as printed there.
-- Total savings for organization this month
SELECT
  SUM(total_savings_usd) as total_savings,
  SUM(total_cost_usd) as total_cost,
  SUM(total_baseline_cost_usd) as baseline_cost,
  AVG(savings_percentage) as avg_savings_pct
FROM organization_analytics
WHERE organization_id = $1
  AND metric_date >= date_trunc('month', CURRENT_DATE)
  AND aggregation_period = 'daily';
