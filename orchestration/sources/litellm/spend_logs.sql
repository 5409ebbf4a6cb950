-- One row per row of SpendLogs: its event as a line of JSON, that of the decision that routed it, and whose it is.
-- In the order in which they changed, so that an import that ends early goes on where it was.
-- Only what is named here is read: nothing that people wrote, and nobody's address.
with logs as (

    select {columns}
    from "LiteLLM_SpendLogs" as spend_logs
    where {changed_at} >= %(since)s
    order by {changed_at}, request_id

),

-- `offset 0` keeps what stands in it from being computed once for each use.
parsed as (

    select
        logs.*,
        said.*,
        tagged.*,
        lower(logs.cache_hit) = 'true' as is_cache_hit,
        coalesce(nullif(logs.status, ''), said.metadata_status, 'success') = 'failure' as is_failure,
        nullif(coalesce(nullif(logs.organization_id, ''), said.user_api_key_org_id), '') as organization,
        nullif(logs.user_name, '') as person,
        nullif(logs.custom_llm_provider, '') as company
    from logs
    cross join lateral (
        select
            jsonb_strip_nulls(metadata.usage_object) as usage,
            jsonb_strip_nulls(metadata.additional_usage_values) as extra,
            metadata.cost_breakdown as costs,
            metadata.error_information as error,
            case
                when jsonb_typeof(metadata.routing_decision) = 'object'
                    then jsonb_strip_nulls(metadata.routing_decision)
            end as decision,
            nullif(metadata.model_map_information ->> 'model_map_key', '') as base_model,
            nullif(metadata.spend_logs_metadata ->> 'task_type', '') as purpose,
            nullif(metadata.internal_call_origin, '') as internal_origin,
            nullif(metadata.user_api_key_alias, '') as key_alias,
            nullif(metadata.user_api_key_team_alias, '') as team_alias,
            nullif(coalesce(metadata.user_api_key_project_alias, metadata.user_api_key_project_id), '') as project,
            metadata.user_api_key_org_id,
            metadata.vertex_location,
            nullif(metadata.status, '') as metadata_status
        -- Uncompressed once: what is taken out of a column uncompresses it each time.
        from (select logs.metadata #> '{{}}' as whole offset 0) as plain
        cross join
            jsonb_to_record(
                case when jsonb_typeof(plain.whole) = 'object' then plain.whole end
            ) as metadata (
                usage_object jsonb,
                additional_usage_values jsonb,
                cost_breakdown jsonb,
                error_information jsonb,
                routing_decision jsonb,
                model_map_information jsonb,
                spend_logs_metadata jsonb,
                internal_call_origin text,
                user_api_key_alias text,
                user_api_key_team_alias text,
                user_api_key_org_id text,
                user_api_key_project_alias text,
                user_api_key_project_id text,
                vertex_location text,
                status text
            )
        offset 0
    ) as said
    cross join lateral (
        select
            case
                when coalesce(listed.tags, '[]') = '[]' then null
                -- Neither more nor longer ones than an event may have, as nearly always.
                when length(listed.tags) <= 200 then listed.tags
                else (
                    select cast(jsonb_agg(left(tags.tag, 200) order by tags.place) as text)
                    from jsonb_array_elements_text(logs.request_tags) with ordinality as tags (tag, place)
                    where tags.place <= 50
                )
            end as tags,
            case
                when listed.tags like '%%"task_type:_%%'
                    then (
                        select min(substr(tags.tag, length('task_type:') + 1))
                        from jsonb_array_elements_text(logs.request_tags) as tags (tag)
                        where tags.tag like 'task_type:_%%'
                    )
            end as tagged_purpose
        from (
            select case when jsonb_typeof(logs.request_tags) = 'array' then cast(logs.request_tags as text) end as tags
        ) as listed
        offset 0
    ) as tagged

),

named as (

    select
        parsed.*,
        names.*,
        parsed.usage -> 'prompt_tokens_details' as input_parts,
        parsed.usage -> 'completion_tokens_details' as output_parts,
        case
            when parsed.organization is null then cast(%(organization_id)s as uuid)
            else cast(md5(concat_ws(
                chr(31), 'litellm', 'organization', cast(%(organization_id)s as text), parsed.organization
            )) as uuid)
        end as owner_id,
        cast(md5(concat_ws(
            chr(31), 'litellm', 'task_execution', cast(%(organization_id)s as text), parsed.request_id
        )) as uuid) as execution_id,
        case
            when parsed.decision is not null and parsed.internal_origin is null
                then cast(md5(concat_ws(
                    chr(31), 'litellm', 'routing_decision', cast(%(organization_id)s as text), parsed.request_id
                )) as uuid)
        end as decision_id,
        case when length(parsed.request_id) > 255 then md5(parsed.request_id) else parsed.request_id end as task_id,
        coalesce(
            parsed.tagged_purpose, parsed.purpose, parsed.internal_origin, 'unknown'
        ) as task_type,
        -- Without anything from the provider, tokens of a failure that cost nothing are an estimate.
        not (
            parsed.is_failure and parsed.usage is null and parsed.spend = 0
            and parsed.prompt_tokens + parsed.completion_tokens > 0
        ) as is_counted,
        greatest(parsed.changed_at, parsed."endTime", parsed."startTime") at time zone 'UTC' as updated_at
    from parsed
    cross join lateral (
        select
            coalesce(
                cast(%(providers)s as jsonb) ->> lower(named.company), lower(named.company), 'unknown'
            ) as provider,
            nullif(
                case
                    when named.company in ('azure', 'azure_ai') then coalesce(named.base_model, named.model)
                    else named.model
                end, ''
            ) as full_model,
            named.company as prefix
        from (
            select
                parsed.model,
                parsed.base_model,
                -- Of what fails early the provider is not logged; the model may begin with it.
                coalesce(
                    parsed.company,
                    case when parsed.model like '%%_/_%%' then split_part(parsed.model, '/', 1) end,
                    (
                        select beginnings.value
                        from jsonb_each_text(cast(%(beginnings)s as jsonb)) as beginnings
                        where starts_with(lower(parsed.model), beginnings.key)
                        limit 1
                    )
                ) as company
        ) as named
        offset 0
    ) as names

),

owned as (

    select
        named.*,
        case
            -- The address at which AWS has a model, where it ends in its name.
            when full_model like '%%:bedrock:%%'
                then regexp_replace(
                    full_model,
                    '^bedrock/|^(.*/)?arn:[a-z-]+:bedrock:[^/]*:(foundation-model|inference-profile)/',
                    ''
                )
            when starts_with(full_model, prefix || '/') then substr(full_model, length(prefix) + 2)
            else full_model
        end as model_name,
        case
            when person is not null
                then cast(md5(concat_ws(chr(31), 'litellm', 'user', cast(owner_id as text), lower(person))) as uuid)
        end as user_id,
        to_json("startTime" at time zone 'UTC') as started_at,
        -- Of the places that may hold a part, the first that is not zero.
        case
            when is_counted
                then concat(
                    ',"input_tokens":' || prompt_tokens,
                    ',"cached_input_tokens":' || cast(coalesce(
                        nullif(usage -> 'cache_read_input_tokens', '0'),
                        nullif(input_parts -> 'cached_tokens', '0'),
                        nullif(extra -> 'cache_read_input_tokens', '0'),
                        usage -> 'cache_read_input_tokens',
                        input_parts -> 'cached_tokens',
                        extra -> 'cache_read_input_tokens'
                    ) as text),
                    ',"cache_write_tokens":' || cast(coalesce(
                        nullif(usage -> 'cache_creation_input_tokens', '0'),
                        nullif(input_parts -> 'cache_write_tokens', '0'),
                        nullif(input_parts -> 'cache_creation_tokens', '0'),
                        nullif(extra -> 'cache_creation_input_tokens', '0'),
                        usage -> 'cache_creation_input_tokens',
                        input_parts -> 'cache_write_tokens',
                        input_parts -> 'cache_creation_tokens',
                        extra -> 'cache_creation_input_tokens'
                    ) as text),
                    ',"cache_write_1h_tokens":' || cast(nullif(
                        input_parts -> 'cache_creation_token_details' -> 'ephemeral_1h_input_tokens', '0'
                    ) as text),
                    ',"audio_input_tokens":' || cast(nullif(input_parts -> 'audio_tokens', '0') as text),
                    ',"image_input_tokens":' || cast(nullif(input_parts -> 'image_tokens', '0') as text),
                    ',"output_tokens":' || completion_tokens,
                    ',"reasoning_tokens":' || cast(output_parts -> 'reasoning_tokens' as text),
                    ',"audio_output_tokens":' || cast(nullif(output_parts -> 'audio_tokens', '0') as text),
                    ',"image_output_tokens":' || cast(nullif(output_parts -> 'image_tokens', '0') as text)
                )
        end as counted_tokens
    from named
    offset 0

),

written as (

    select
        changed_at,
        "startTime",
        organization,
        owner_id,
        person,
        user_id,
        execution_id,
        decision_id,
        -- Put together as text, which takes a third of the time that json_build_object takes. What is NULL is left out.
        concat(
            '{{"event":"task_execution"',
            ',"id":"' || execution_id || '"',
            ',"organization_id":"' || owner_id || '"',
            ',"task_id":' || to_json(task_id),
            ',"task_type":' || to_json(left(task_type, 255)),
            ',"provider":' || to_json(left(provider, 255)),
            ',"status":' || case when is_failure then '"failed"' else '"completed"' end,
            ',"start_time":' || started_at,
            ',"updated_at":' || to_json(updated_at),
            ',"user_id":"' || user_id || '"',
            ',"session_id":' || to_json(left(nullif(session_id, ''), 255)),
            ',"correlation_id":' || to_json(left(nullif(litellm_call_id, ''), 255)),
            ',"agent_id":' || to_json(left(nullif(agent_id, ''), 255)),
            ',"request_type":' || to_json(left(nullif(call_type, ''), 255)),
            ',"model":' || to_json(left(model_name, 255)),
            ',"service_tier":' || case
                when call_type in ('aretrieve_batch', 'retrieve_batch') then '"batch"'
                when lower(costs ->> 'service_tier') not in ('default', 'standard', 'auto', '')
                    then cast(to_json(lower(costs ->> 'service_tier')) as text)
            end,
            ',"end_time":' || to_json("endTime" at time zone 'UTC'),
            counted_tokens,
            ',"reported_cost_usd":' || to_json(spend),
            case
                when is_failure
                    then concat(
                        ',"error_code":' || to_json(
                            left(coalesce(nullif(error ->> 'error_code', ''), nullif(error ->> 'error_class', '')), 255)
                        ),
                        ',"error_message":' || to_json(nullif(error ->> 'error_class', ''))
                    )
            end,
            ',"routing_decision_id":"' || decision_id || '"',
            ',"region":' || to_json(coalesce(nullif(costs ->> 'data_residency', ''), nullif(vertex_location, ''))),
            case when is_cache_hit then ',"is_gateway_cache_hit":true' end,
            ',"source":"litellm"',
            case when is_cache_hit is not true then ',"provider_request_id":' || to_json(left(request_id, 255)) end,
            case
                when "completionStartTime" >= "startTime" and "completionStartTime" < "endTime"
                    then ',"time_to_first_token_ms":'
                        || cast(extract(epoch from "completionStartTime" - "startTime") * 1000 as bigint)
            end,
            ',"api_key_alias":' || to_json(left(key_alias, 255)),
            ',"team":' || to_json(left(coalesce(team_alias, nullif(team_id, '')), 255)),
            ',"end_user_id":' || to_json(left(nullif(end_user, ''), 255)),
            ',"project":' || to_json(left(project, 255)),
            ',"tags":' || tags,
            '}}'
        ) as execution,
        case
            when decision_id is not null
                then cast(json_strip_nulls(json_build_object(
                    'event', 'routing_decision',
                    'id', decision_id,
                    'organization_id', owner_id,
                    'task_id', task_id,
                    'task_execution_id', execution_id,
                    'chosen_provider', left(provider, 255),
                    'chosen_model', left(decision ->> 'routed_model', 255),
                    'decision_timestamp', "startTime" at time zone 'UTC',
                    'updated_at', updated_at,
                    'routing_strategy', left(coalesce(nullif(decision ->> 'router_type', ''), 'unknown'), 255),
                    'algorithm_version', left(nullif(decision ->> 'router_config_fingerprint', ''), 255),
                    'reasoning', decision ->> 'cause',
                    'decision_factors', json_strip_nulls(json_build_object(
                        'router', left(decision ->> 'router_model_name', 200),
                        'tier', left(decision ->> 'tier', 200),
                        'score', decision -> 'score',
                        'classifier_confidence', decision -> 'classifier_confidence',
                        'conversation_continuing', decision -> 'conversation_continuing'
                    )),
                    'routing_overhead_cost_usd', decision -> 'classifier_cost',
                    'baseline_provider', case
                        when decision ->> 'savings_baseline_model' like '%%_/_%%'
                            then left(coalesce(
                                cast(%(providers)s as jsonb)
                                ->> lower(split_part(decision ->> 'savings_baseline_model', '/', 1)),
                                lower(split_part(decision ->> 'savings_baseline_model', '/', 1))
                            ), 255)
                    end,
                    'baseline_model', case
                        when decision ->> 'savings_baseline_model' like '%%_/_%%'
                            then left(regexp_replace(decision ->> 'savings_baseline_model', '^[^/]*/', ''), 255)
                    end
                )) as text)
        end as routing
    from owned
    offset 0

)

select
    changed_at,
    "startTime" as started_at,
    organization,
    cast(owner_id as text) as owner_id,
    person,
    cast(user_id as text) as user_id,
    cast(execution_id as text) as execution_id,
    cast(cast(md5(execution) as uuid) as text) as execution_event_id,
    execution,
    cast(decision_id as text) as decision_id,
    cast(cast(md5(routing) as uuid) as text) as decision_event_id,
    routing
from written
