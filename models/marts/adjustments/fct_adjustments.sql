-- Grain: one row per adjustment, as its latest version says. A view, because adjustments are few:
-- it shows what has landed, and rates as of the last build.

{{ config(materialized='view') }}

{%- set content = [
    'amount', in_code_order('currency'), 'effective_at', in_code_order('reason'),
    in_code_order('provider'), in_code_order('model'), 'user_id', 'period_start', 'period_end',
    in_code_order('reference'),
] %}

with adjustments as (

    select * from {{ ref('stg_platform__adjustments') }}

),

-- Once, and not anew for each adjustment: the planner takes both for few.
organization_versions as materialized (

    select * from {{ ref('int_organization_versions') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates') }}

),

-- An id belongs to the organization that landed it first: nobody takes over another's.
owned as (

    select
        *,
        first_value(organization_id) over (
            partition by adjustment_id
            order by _load_id, _line_number
        ) as owner_organization_id
    from adjustments

),

-- Of versions of one moment, the one that charges most counts; what says the same ranks the same.
ranked as (

    select
        *,
        row_number() over (
            partition by adjustment_id
            order by
                believed_at desc,
                updated_at desc,
                {%- for column in content %}
                {{ column }} desc,
                {%- endfor %}
                event_id desc,
                _load_id desc,
                _line_number desc
        ) as recency
    from owned
    where organization_id = owner_organization_id

),

latest as (

    select
        ranked.*,
        coalesce(organization_versions.timezone, 'UTC') as reporting_timezone,
        exchange_rates.exchange_rate_id,
        exchange_rates.source as exchange_rate_source,
        case when ranked.currency = 'USD' then 1 else exchange_rates.usd_per_unit end
            as usd_per_unit
    from ranked
    left join organization_versions
        on
            ranked.organization_id = organization_versions.organization_id
            and ranked.effective_at >= organization_versions.valid_from
            and ranked.effective_at < organization_versions.valid_until
    left join exchange_rates
        on
            ranked.currency = exchange_rates.currency
            and ranked.effective_at >= exchange_rates.valid_from
            and ranked.effective_at < exchange_rates.valid_until
    where ranked.recency = 1

),

judged as (

    select
        *,
        case
            when usd_per_unit is null then 'no_exchange_rate'
            when abs(amount * usd_per_unit) > {{ max_cost_usd() }} then 'amount_out_of_range'
            else 'known'
        end as amount_status
    from latest

),

final as (

    select
        adjustment_id,
        organization_id,
        event_id,
        {{ local_date('effective_at', 'reporting_timezone') }} as metric_date,
        reporting_timezone,
        reason,
        provider,
        model,
        user_id,
        amount,
        currency,
        exchange_rate_id,
        exchange_rate_source,
        cast(usd_per_unit as numeric(20, 12)) as usd_per_unit,
        amount_status,
        case when amount_status = 'known' then cast(amount * usd_per_unit as numeric(20, 12)) end
            as amount_usd,
        effective_at,
        period_start,
        period_end,
        reference,
        updated_at
    from judged

)

select * from final
