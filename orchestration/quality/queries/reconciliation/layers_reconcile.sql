select comparison, organization_id, provider, metric_date from {batch}
where status = 'different'
