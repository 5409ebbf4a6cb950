select
    count(*) as adjustments,
    count(*) filter (where amount_usd is null) as unknown_adjustments,
    coalesce(sum(amount_usd), 0) as adjustments_usd
from marts.fct_adjustments
