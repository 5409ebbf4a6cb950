select
    user_id,
    user_name
from marts.dim_users
where
    organization_id = %(organization_id)s
    and (cast(user_id as text) = lower(%(user)s) or user_name = %(user)s)
order by user_id
