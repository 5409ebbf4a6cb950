-- Hours of providers. Their days are those of UTC, and a month is sealed whole.
delete from marts.provider_performance_metrics
where
    aggregation_period = 'hourly'
    and period_start < least(
        %(before)s,
        coalesce(
            (select max(sealed_before) from raw.seals where execution_count > 0),
            cast('-infinity' as timestamptz)
        )
    )
