{#- Subquery: organizations about which something landed in a load that the facts have not taken in, and
    that is no copy of an event which they have. `kind` is organization (events about itself) or user
    (events about its members). -#}
{% macro newly_landed(kind) -%}
    select arrived.organization_id
    from {{ ref('stg_platform__' ~ kind ~ 's') }} as arrived
    where
        arrived._load_id in ({{ arrived_loads() }})
        and not exists (
            select 1
            from {{ ref('stg_platform__' ~ kind ~ 's') }} as known
            where
                known.event_id = arrived.event_id
                and {{ taken_in(this.identifier, 'load', 'cast(known._load_id as text)') }}
        )
{%- endmacro %}
