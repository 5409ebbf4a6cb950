select execution_id from {batch} where cost_usd < 0 or baseline_cost_usd < 0
