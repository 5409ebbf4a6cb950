-- The row of the exchange rates that gives an adjustment's amount in USD.
select
    exchange_rate_id,
    currency,
    usd_per_unit,
    valid_from,
    nullif(valid_until, 'infinity') as valid_until,
    recorded_at,
    source
from intermediate.int_exchange_rates
where
    exchange_rate_id = %(exchange_rate_id)s
    and valid_from <= %(effective_at)s
    and valid_until > %(effective_at)s
