select execution_id from {batch}
where status = 'completed' and coalesce(duration_ms, 0) <= 0 and is_bucket is not true
