-- Every landed version, copies too, in the order that macros/versions/version_order.sql has: the last
-- one counts once everything is built. Before all others stand those of an organization to which the
-- id does not belong.
with versions as (

    select
        versions.*,
        loads.source_name,
        loads.landed_at,
        case versions.status when 'pending' then 0 when 'running' then 1 else 2 end as progress,
        least(versions.updated_at, loads.landed_at) as believed_at,
        coalesce(bool_or(versions.updated_at > loads.landed_at) over same_claim, false)
            as has_early_stamp,
        min(array[versions._load_id, versions._line_number]) over same_claim as first_landing,
        min(array[versions._load_id, versions._line_number]) over () as first_landing_of_all
    from raw.task_executions as versions
    left join raw.loads as loads on versions._load_id = loads.load_id
    where versions.id = %(id)s
    window same_claim as (partition by versions.organization_id)

)

select
    event_id,
    updated_at,
    status,
    provider,
    model,
    start_time,
    end_time,
    input_tokens,
    cached_input_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    audio_input_tokens,
    image_input_tokens,
    output_tokens,
    reasoning_tokens,
    audio_output_tokens,
    image_output_tokens,
    tokens_used,
    compute_units,
    coalesce(requests, request_count) as request_count,
    other_usage,
    service_tier,
    region,
    is_bucket,
    is_gateway_cache_hit,
    reported_cost_usd,
    error_code,
    error_message,
    _load_id as load_id,
    source_name,
    _line_number as line_number,
    landed_at,
    first_landing <> first_landing_of_all as is_refused,
    _load_id in (
        select arrived.load_id
        from intermediate.int_arrived_loads as arrived
    ) as is_pending
from versions
order by
    first_landing desc,
    case when has_early_stamp then progress end,
    believed_at,
    updated_at,
    progress,
    end_time nulls first,
    output_tokens nulls first,
    input_tokens nulls first,
    tokens_used nulls first,
    reported_cost_usd nulls first,
    cached_input_tokens nulls first,
    cache_write_tokens nulls first,
    reasoning_tokens nulls first,
    compute_units nulls first,
    request_count nulls first,
    quality_score nulls first,
    cache_write_1h_tokens nulls first,
    audio_input_tokens nulls first,
    image_input_tokens nulls first,
    audio_output_tokens nulls first,
    image_output_tokens nulls first,
    event_id,
    _load_id,
    _line_number
