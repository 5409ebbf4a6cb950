-- Alerts are the organization's: people are not shown them.
select cast(null as bigint) as open_alerts
