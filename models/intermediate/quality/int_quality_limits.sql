-- Grain: one row per warehouse: from where on the quality of data is worth a warning, as the
-- project's vars said in the last build.

select
    cast({{ var('price_change_warn_percentage') }} as numeric) as price_change_warn_percentage,
    cast({{ var('price_stale_hours') }} as numeric) as price_stale_hours,
    cast({{ var('landing_stale_hours') }} as numeric) as landing_stale_hours,
    cast({{ var('rejected_lines_warn_percentage') }} as numeric) as rejected_lines_warn_percentage,
    cast({{ var('stamp_ahead_warn_minutes') }} as numeric) as stamp_ahead_warn_minutes,
    cast({{ var('failed_tasks_warn_percentage') }} as numeric) as failed_tasks_warn_percentage,
    cast({{ var('failed_tasks_critical_percentage') }} as numeric)
        as failed_tasks_critical_percentage,
    cast({{ var('negative_savings_warn_percentage') }} as numeric)
        as negative_savings_warn_percentage,
    cast({{ var('unknown_cost_warn_percentage') }} as numeric) as unknown_cost_warn_percentage,
    cast({{ var('cost_coverage_warn_percentage') }} as numeric) as cost_coverage_warn_percentage,
    cast({{ var('cost_over_baseline_warn_factor') }} as numeric) as cost_over_baseline_warn_factor,
    cast({{ var('cost_review_usd') }} as numeric) as cost_review_usd,
    cast({{ var('volume_warn_percentage') }} as numeric) as volume_warn_percentage,
    cast({{ var('rate_min_tasks') }} as numeric) as rate_min_tasks,
    cast({{ var('budget_notice_percentage') }} as numeric) as budget_notice_percentage,
    cast({{ var('budget_warn_percentage') }} as numeric) as budget_warn_percentage,
    cast({{ var('budget_projection_min_days') }} as integer) as budget_projection_min_days,
    cast({{ var('alert_window_days') }} as integer) as alert_window_days
