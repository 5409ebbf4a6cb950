select
    count(*) as loads,
    coalesce(sum(lines_read), 0) as lines_read,
    coalesce(sum(lines_accepted), 0) as lines_accepted,
    coalesce(sum(lines_rejected), 0) as lines_rejected
from raw.loads
