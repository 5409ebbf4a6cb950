-- What fct_adjustments holds of a person.
select *
from marts.fct_adjustments
where
    organization_id = %(organization_id)s
    and user_id = %(user_id)s
order by effective_at, adjustment_id
