select price_id
from (
    select
        batch.price_id,
        batch.input_usd_per_mtok,
        batch.output_usd_per_mtok,
        batch.recorded_at = any(limits.reviewed_price_recordings) as is_reviewed,
        limits.price_change_warn_percentage,
        lag(batch.input_usd_per_mtok) over scope as input_before,
        lag(batch.output_usd_per_mtok) over scope as output_before,
        lag(batch.recorded_at = any(limits.reviewed_price_recordings)) over scope
            as is_reviewed_before
    from {batch}
    cross join intermediate.int_quality_limits as limits
    window
        scope as (
            partition by
                batch.provider,
                batch.model,
                batch.task_type,
                batch.service_tier,
                batch.organization_id,
                batch.context_over_tokens
            order by batch.effective_from, batch.recorded_at
        )
) as changes
where
    not (is_reviewed and is_reviewed_before)
    and (
        100 * abs(input_usd_per_mtok - input_before) > input_before * price_change_warn_percentage
        or 100 * abs(output_usd_per_mtok - output_before)
        > output_before * price_change_warn_percentage
    )
