-- A returned row is a pair of prices that an execution could meet at the same moment, so that the
-- join of usage and prices would double it.

select
    earlier.price_row_id,
    later.price_row_id as overlapping_price_row_id
from {{ ref('int_prices') }} as earlier
inner join {{ ref('int_prices') }} as later
    on
        earlier.provider = later.provider
        and earlier.model_scope = later.model_scope
        and earlier.task_type_scope = later.task_type_scope
        and earlier.service_tier_scope = later.service_tier_scope
        and earlier.organization_scope = later.organization_scope
        and earlier.price_row_id < later.price_row_id
        and earlier.valid_from < later.valid_until
        and earlier.valid_until > later.valid_from
        and earlier.context_over_tokens < coalesce(later.context_up_to_tokens, 1000000000001)
        and coalesce(earlier.context_up_to_tokens, 1000000000001) > later.context_over_tokens
