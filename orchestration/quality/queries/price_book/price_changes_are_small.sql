select price_id
from (
    select
        price_id,
        input_usd_per_mtok,
        output_usd_per_mtok,
        is_reviewed,
        lag(input_usd_per_mtok) over scope as input_before,
        lag(output_usd_per_mtok) over scope as output_before,
        lag(is_reviewed) over scope as is_reviewed_before
    from (
        select
            *,
            recorded_at = any(
                cast((select reviewed_price_recordings from intermediate.int_quality_limits) as timestamptz[])
            ) as is_reviewed
        from {batch}
    ) as prices
    window
        scope as (
            partition by
                provider, model, task_type, service_tier, organization_id, context_over_tokens
            order by effective_from, recorded_at
        )
) as changes
where
    not (is_reviewed and is_reviewed_before)
    and (
        100 * abs(input_usd_per_mtok - input_before)
        > input_before * (select price_change_warn_percentage from intermediate.int_quality_limits)
        or 100 * abs(output_usd_per_mtok - output_before)
        > output_before * (select price_change_warn_percentage from intermediate.int_quality_limits)
    )
