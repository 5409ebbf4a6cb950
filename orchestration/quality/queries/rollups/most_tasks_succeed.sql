select distinct organization_id from {batch}
where
    organization_id in (
        select conditions.organization_id
        from quality.alert_conditions as conditions
        where conditions.rule = 'most_tasks_succeed' and conditions.is_broken
    )
