-- One row: the oldest load that the facts have not processed, and how many there are.

select
    count(*) as loads,
    min(landed_at) as waiting_since
from intermediate.int_arrived_loads
