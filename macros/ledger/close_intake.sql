{#- Post-hook of a model below the facts: record the builds that it has now taken in. -#}
{% macro close_intake(after=[]) -%}
    {%- set runs = '(' ~ pending_runs(after) ~ ')' -%}
    {{ take_in(this.identifier, 'run', 'inputs.invocation_id', runs) }}
{%- endmacro %}
