select price_id from {batch}
where
    source like 'fetched:%'
    and effective_from <= current_timestamp
    and coalesce(effective_until > current_timestamp, true)
    and recorded_at < current_timestamp - (select price_stale_hours from intermediate.int_quality_limits) * interval '1 hour'
