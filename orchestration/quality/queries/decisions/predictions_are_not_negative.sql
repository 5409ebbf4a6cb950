select routing_decision_id from {batch}
where least(predicted_cost_usd, predicted_duration_ms, routing_overhead_cost_usd) < 0
