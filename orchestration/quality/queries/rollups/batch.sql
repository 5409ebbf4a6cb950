select * from marts.organization_days
