    select *
    from unnest(
        cast(%(organizations)s as uuid []), cast(%(first_days)s as date []),
        cast(%(until_days)s as date [])
    ) as periods (organization_id, first_day, until_day)
