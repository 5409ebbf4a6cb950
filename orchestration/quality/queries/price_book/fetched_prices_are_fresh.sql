select price_id from {batch}
where price_id in (select prices.price_id from intermediate.int_fetched_prices as prices where prices.is_stale)
