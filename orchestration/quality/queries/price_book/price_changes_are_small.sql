select price_id from {batch}
where price_id in (select changes.price_id from intermediate.int_rate_changes as changes where changes.is_large)
