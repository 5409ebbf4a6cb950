-- The loads that wait for a build.
select load_id
from intermediate.int_arrived_loads
