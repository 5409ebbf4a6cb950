-- One row: the oldest load that the facts have not processed, and how many there are.

select
    count(loads.load_id) as loads,
    min(loads.landed_at) as waiting_since
from raw.loads as loads
where
    loads.load_id not in (
        select processed.load_id
        from intermediate.int_processed_loads as processed
    )
