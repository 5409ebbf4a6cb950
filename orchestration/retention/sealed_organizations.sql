-- Until when the months of each organization are sealed: the month in which its first open day lies
-- begins when the last sealed one ends.
select
    organization_id,
    date_trunc('month', cast(max(sealed_until) as timestamp)) at time zone 'UTC' as sealed_before
from ledger.sealed_organizations
group by organization_id
