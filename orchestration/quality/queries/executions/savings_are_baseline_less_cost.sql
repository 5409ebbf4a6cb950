select execution_id from {batch}
where
    savings_usd <> baseline_cost_usd - cost_usd
    or net_savings_usd <> savings_usd - routing_overhead_cost_usd
