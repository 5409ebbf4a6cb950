-- The loads that wait for a build.
select loads.load_id
from raw.loads as loads
where
    loads.load_id not in (
        select processed.load_id
        from intermediate.int_processed_loads as processed
    )
