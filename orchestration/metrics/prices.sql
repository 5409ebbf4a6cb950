-- One row: when the price book was last added to.

select extract(epoch from max(recorded_at)) as last_recorded_at
from marts.dim_prices
