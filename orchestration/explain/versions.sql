-- Every landed version, copies too, in the order in which the source wrote them; the last one
-- counts once everything is built.
select
    versions.event_id,
    versions.updated_at,
    versions.status,
    versions.provider,
    versions.model,
    versions.start_time,
    versions.end_time,
    versions.input_tokens,
    versions.cached_input_tokens,
    versions.cache_write_tokens,
    versions.cache_write_1h_tokens,
    versions.audio_input_tokens,
    versions.image_input_tokens,
    versions.output_tokens,
    versions.reasoning_tokens,
    versions.audio_output_tokens,
    versions.image_output_tokens,
    versions.tokens_used,
    versions.compute_units,
    coalesce(versions.requests, versions.request_count) as request_count,
    versions.other_usage,
    versions.service_tier,
    versions.region,
    versions.is_bucket,
    versions.is_gateway_cache_hit,
    versions.reported_cost_usd,
    versions.error_code,
    versions.error_message,
    versions._load_id as load_id,
    loads.source_name,
    versions._line_number as line_number,
    loads.landed_at,
    not exists (
        select 1
        from intermediate.int_model_inputs as inputs
        where
            inputs.model_name = 'fct_task_executions'
            and inputs.input_kind = 'load'
            and inputs.input_id = cast(versions._load_id as text)
    ) as is_pending
from raw.task_executions as versions
left join raw.loads as loads on versions._load_id = loads.load_id
where versions.id = %(id)s
order by versions.updated_at, versions.event_id, versions._load_id, versions._line_number
