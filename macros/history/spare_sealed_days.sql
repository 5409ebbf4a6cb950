{#- Statement of a rollup, after its days were collected: sealed days are not computed again. The executions of
    some still stand in the facts, because their day in UTC is open. -#}
{% macro spare_sealed_days(unit='organization') -%}
    {%- if is_incremental() -%}
    {%- if unit == 'provider' -%}
    delete from touched_days
    where {{ utc_midnight('metric_date') }} < {{ sealed_before() }};
    {%- else -%}
    delete from touched_days
    using {{ ref('int_sealed_days') }} as sealed_days
    where
        touched_days.organization_id = sealed_days.organization_id
        and touched_days.metric_date < sealed_days.sealed_until;
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}
