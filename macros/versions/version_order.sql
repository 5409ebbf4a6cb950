{#- Sort keys: the versions of what events are about, such as an execution, the one that counts first. An id belongs
    to the organization of its first landed version. Then the source's stamp decides, where it is believed;
    then what the versions say: the one that is further on, then the fuller one, because what is used only grows.
    Ids come last and tell copies apart; with `by_content` they are left out. Whoever else agrees so far and says
    something else is in `disputed_versions`. -#}
{% macro version_order(event_kind, relation=none, by_content=false) -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- set keys = [] -%}
    {%- if event_kind == 'task_execution' -%}
        {#- Stamps of which one cannot be right do not tell what came last. -#}
        {%- do keys.extend([
            prefix ~ 'first_landing',
            'case when ' ~ prefix ~ 'has_early_stamp then ' ~ progress(relation) ~ ' end desc nulls last',
            prefix ~ 'believed_at desc',
            prefix ~ 'updated_at desc',
            progress(relation) ~ ' desc',
        ]) -%}
        {%- for column in [
            'end_time', 'output_tokens', 'input_tokens', 'tokens_used', 'reported_cost_usd',
            'cached_input_tokens', 'cache_write_tokens', 'reasoning_tokens', 'compute_units',
            'request_count', 'quality_score',
        ] + token_parts() | list -%}
            {%- do keys.append(prefix ~ column ~ ' desc nulls last') -%}
        {%- endfor -%}
    {%- elif event_kind == 'routing_decision' -%}
        {%- do keys.extend([
            prefix ~ 'first_landing',
            prefix ~ 'believed_at desc',
            prefix ~ 'updated_at desc',
            '(' ~ prefix ~ 'execution_id is not null) desc',
            prefix ~ 'decision_timestamp desc',
            prefix ~ 'routing_overhead_cost_usd desc nulls last',
            prefix ~ 'predicted_cost_usd desc nulls last',
        ]) -%}
    {%- else -%}
        {%- do keys.extend([prefix ~ 'believed_at desc', prefix ~ 'updated_at desc']) -%}
        {%- if not by_content -%}
            {%- for column in {
                'organization': [
                    'organization_name', 'tier', 'timezone', 'baseline_provider', 'baseline_model',
                ],
                'user': ['user_name', 'team', 'role'],
                'provider_event': [],
                'shadow_evaluation': [],
            }[event_kind] -%}
                {%- do keys.append(in_code_order(prefix ~ column) ~ ' desc nulls last') -%}
            {%- endfor -%}
            {%- if event_kind == 'organization' -%}
                {%- do keys.append(prefix ~ 'monthly_budget_usd desc nulls last') -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
    {%- if not by_content -%}
        {%- for column in ['event_id', '_load_id', '_line_number'] -%}
            {%- do keys.append(prefix ~ column ~ ' desc') -%}
        {%- endfor -%}
    {%- endif -%}
    {{ keys | join(',\n                ') }}
{%- endmacro %}
