-- One row: the last load, and lines of all loads.

select
    extract(epoch from max(landed_at)) as last_landed_at,
    coalesce(sum(lines_accepted), 0) as lines_accepted,
    coalesce(sum(lines_rejected), 0) as lines_rejected
from raw.loads
