select organization_id, metric_date from {batch}
where total_savings_usd <> total_baseline_cost_usd - compared_cost_usd
