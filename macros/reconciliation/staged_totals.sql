{#- Rows: what staging shows of one kind of event, by load, organization and day in UTC of `moment`. `usage` names the
    columns that add up under another name; `amounts` are USD. What a kind does not have is 0. -#}
{% macro staged_totals(event_kind, relation, entity_id, moment, usage, amounts) -%}
    select
        _load_id,
        '{{ event_kind }}' as event_kind,
        organization_id,
        {{ local_date(moment, "'UTC'") }} as event_date,
        count(*) as events,
        count(distinct {{ entity_id }}) as entities,
        {%- for measure in event_measures()[1:-1] %}
        coalesce(sum({{ usage.get(measure, 'cast(0 as numeric)') }}), 0) as {{ measure }},
        {%- endfor %}
        {% for amount in amounts -%}
        coalesce(sum({{ amount }}), 0){{ ' + ' if not loop.last }}
        {%- else -%}
        cast(0 as numeric)
        {%- endfor %} as amount_usd
    from {{ relation }} as events
    where
        {{ landed_in(newly_processed_loads()) }}
        and {{ is_open_at('events', 'events.' ~ moment) }}
    group by _load_id, organization_id, {{ local_date(moment, "'UTC'") }}
{%- endmacro %}
