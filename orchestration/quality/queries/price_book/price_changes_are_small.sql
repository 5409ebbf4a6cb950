select price_id
from (
    select
        price_id,
        input_usd_per_mtok,
        output_usd_per_mtok,
        lag(input_usd_per_mtok) over scope as input_before,
        lag(output_usd_per_mtok) over scope as output_before
    from {batch}
    window
        scope as (
            partition by
                provider, model, task_type, service_tier, organization_id, context_over_tokens
            order by effective_from, recorded_at
        )
) as changes
where
    100 * abs(input_usd_per_mtok - input_before)
    > input_before * (select price_change_warn_percentage from intermediate.int_quality_limits)
    or 100 * abs(output_usd_per_mtok - output_before)
    > output_before * (select price_change_warn_percentage from intermediate.int_quality_limits)
