{#- Rows: alerts as they are now, from those that were open (`open_alerts`) and what is observed of the same
    (`conditions`), either of which may be missing. `builds` says when the last build ended, which saw
    what was still open. -#}
{% macro present_alerts() -%}
    select
        coalesce(
            open_alerts.alert_id,
            {{ surrogate_key([
                'conditions.dedup_key', utc_text('conditions.observed_at') ~ " || '+00'"
            ]) }}
        ) as alert_id,
        coalesce(conditions.dedup_key, open_alerts.dedup_key) as dedup_key,
        coalesce(conditions.rule, open_alerts.rule) as rule,
        coalesce(conditions.severity, open_alerts.severity) as severity,
        coalesce(conditions.organization_id, open_alerts.organization_id) as organization_id,
        coalesce(conditions.period, open_alerts.period) as period,
        coalesce(conditions.unit, open_alerts.unit) as unit,
        conditions.observed,
        coalesce(conditions.threshold, open_alerts.threshold) as threshold,
        coalesce(open_alerts.first_seen_at, conditions.observed_at) as first_seen_at,
        case
            when conditions.is_broken then conditions.observed_at
            else
                least(
                    greatest(open_alerts.first_seen_at, builds.last_ended_at),
                    coalesce(conditions.observed_at, {{ warehouse_now() }})
                )
        end as last_seen_at,
        case
            when conditions.is_broken then null
            else coalesce(conditions.observed_at, {{ warehouse_now() }})
        end as resolved_at,
        case
            when conditions.is_broken then null
            when conditions.dedup_key is null then 'no longer observed'
            else 'within the limit'
        end as resolution
    from open_alerts
    full join conditions on open_alerts.dedup_key = conditions.dedup_key
    cross join builds
    where open_alerts.dedup_key is not null or conditions.is_broken
{%- endmacro %}
