select organization_id from {batch}
where status = 'completed'
group by organization_id
having 100 * count(cost_usd) < count(*) * (select cost_coverage_warn_percentage from intermediate.int_quality_limits)
