-- What all of it cost and saved.
with usage as (

    {{ usage }}

)

select
    {{ sums }}
from usage
