{#- Columns: what a source says about whose an execution is, what it was for and where it comes from. Schema raw and all
    models from there to the facts call them the same. -#}
{% macro attribution_columns(relation=none) -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- for column in [
        'source', 'provider_request_id', 'time_to_first_token_ms', 'billing_account',
        'api_key_alias', 'team', 'end_user_id', 'project', 'cost_center', 'repository', 'branch',
        'tags', 'metadata',
    ] -%}
    {{ prefix }}{{ column }}{{ ',\n    ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
