-- Rejected lines that are older than their organization's events may be.
delete from raw.rejected_events as rejected
where
    rejected.rejected_at < %(now)s - interval '24 hours' * coalesce(
        (
            select own.raw_days
            from intermediate.int_retention_limits as own
            where own.organization_id = rejected.organization_id
        ),
        %(raw_days)s
    )
