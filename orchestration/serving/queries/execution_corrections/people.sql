-- Only who sees the organization is told: nothing here.
select cast(null as text) as organization_id
where false
