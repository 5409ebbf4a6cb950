select distinct organization_id from {batch}
where
    organization_id in (
        select conditions.organization_id
        from quality.alert_conditions as conditions
        where conditions.rule = 'few_tasks_cost_more_than_their_baseline' and conditions.is_broken
    )
