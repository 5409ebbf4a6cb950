select load_id from {batch}
where
    landed_at > current_timestamp - interval '7 days'
    and 100 * lines_rejected > lines_read * (select rejected_lines_warn_percentage from intermediate.int_quality_limits)
