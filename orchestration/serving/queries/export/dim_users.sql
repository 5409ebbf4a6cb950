-- What dim_users holds of a person.
select *
from marts.dim_users
where
    organization_id = %(organization_id)s
    and user_id = %(user_id)s
