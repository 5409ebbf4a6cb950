-- The corrections of a page, the latest first, and one more if there are others after it.
select *
from marts.fct_cost_corrections
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    and (corrected_at, correction_id) < (%(after_time)s, %(after_id)s)
order by corrected_at desc, correction_id desc
limit %(row_count)s + 1
