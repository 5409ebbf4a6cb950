select max(load_id) as load_id from {batch}
having
    exists (
        select 1
        from quality.alert_conditions as conditions
        where conditions.rule = 'landing_is_fresh' and conditions.is_broken
    )
