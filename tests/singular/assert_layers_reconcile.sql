-- A returned row is a pair of layers that do not hold the same: `reconciliation` shows where. Looks
-- at what builds compared, in a full check at everything anew.

{{ config(meta={'dagster': {'ref': {'name': 'reconciled_days'}}}) }}

select
    'landed, raw and staging' as comparison,
    organization_id,
    cast(null as text) as provider,
    event_date as metric_date,
    concat_ws(', ', landed_to_raw_differences, raw_to_staging_differences)
        as differing_measures
from {{ ref('reconciled_loads') }}
where not is_equal
union all
select
    comparison,
    organization_id,
    cast(null as text) as provider,
    metric_date,
    differing_measures
from {{ ref('reconciled_days') }}
where not is_equal
union all
select
    comparison,
    cast(null as uuid) as organization_id,
    provider,
    metric_date,
    differing_measures
from {{ ref('reconciled_provider_days') }}
where not is_equal
