-- What dim_user_versions holds of a person.
select *
from marts.dim_user_versions
where
    organization_id = %(organization_id)s
    and user_id = %(user_id)s
order by valid_from
