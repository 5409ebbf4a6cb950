select max(load_id) as load_id from {batch}
having
    coalesce(max(landed_at), '-infinity')
    < current_timestamp - (select landing_stale_hours from intermediate.int_quality_limits) * interval '1 hour'
