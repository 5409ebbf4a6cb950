select execution_id from {batch}
where cost_usd > baseline_cost_usd * (select cost_over_baseline_warn_factor from intermediate.int_quality_limits)
