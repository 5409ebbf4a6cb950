-- What user_days holds of a person.
select *
from marts.user_days
where
    organization_id = %(organization_id)s
    and user_id = %(user_id)s
order by metric_date
