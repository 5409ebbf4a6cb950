select * from marts.organization_analytics where aggregation_period = 'daily'
