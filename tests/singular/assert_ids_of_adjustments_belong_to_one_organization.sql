-- A returned row is a landed version of an adjustment whose id another organization landed first:
-- it does not count. Let its source give it an id of its own.
-- depends_on: {{ ref('fct_adjustments') }}, which leaves it out

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'fct_adjustments'}}}) }}

with versions as (

    select
        adjustment_id,
        organization_id,
        event_id,
        _load_id,
        _line_number,
        first_value(organization_id) over (
            partition by adjustment_id
            order by _load_id, _line_number
        ) as owner_organization_id
    from {{ ref('stg_platform__adjustments') }}

)

select
    adjustment_id,
    organization_id,
    event_id,
    _load_id,
    _line_number
from versions
where organization_id <> owner_organization_id
