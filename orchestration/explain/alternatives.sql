-- The alternatives of the decision's event that counts, while raw still has it; one copy of it.
with events as (

    select alternative_providers
    from raw.routing_decisions
    where id = %(id)s and event_id = %(event_id)s
    order by _load_id desc, _line_number desc
    limit 1

)

select
    alternatives.alternative ->> 'provider' as provider,
    alternatives.alternative ->> 'model' as model,
    cast(alternatives.alternative ->> 'estimated_cost_usd' as numeric(20, 12))
        as estimated_cost_usd,
    cast(alternatives.alternative ->> 'score' as numeric(28, 12)) as score
from events
cross join
    lateral jsonb_array_elements(events.alternative_providers)
    with ordinality as alternatives (alternative, position)
order by alternatives.position
