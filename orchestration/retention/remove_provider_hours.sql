-- Hours of providers. Their days are those of UTC, and a month is sealed whole.
delete from intermediate.int_provider_hours
where
    hour_start < least(
        %(before)s,
        coalesce(
            (select max(sealed_before) from ledger.seals where execution_count > 0),
            cast('-infinity' as timestamptz)
        )
    )
