select price_id from {batch}
where
    least(
        input_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok,
        output_usd_per_mtok, usd_per_request, usd_per_minute, usd_per_compute_unit
    ) < 0
