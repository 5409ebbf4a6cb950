-- Hours of providers. Their days are those of UTC, and a month is sealed whole.
delete from marts.provider_performance_metrics
where
    aggregation_period = 'hourly'
    and period_start < %(before)s
