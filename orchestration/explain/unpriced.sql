select
    total_tasks,
    suggested_provider,
    suggested_model,
    similarity,
    suggestion_rule
from marts.unpriced_usage
where
    priced_as = %(priced_as)s
    and provider = %(provider)s
    and model is not distinct from %(model)s
    and reason = %(reason)s
