-- Old results of checks: the last one of each rule stays, and the last that is not well of a rule
-- of which an alert is open, because the alert shows the ids that it found.
with ranked as (

    select
        check_id,
        suite,
        rule,
        is_success,
        checked_at,
        row_number() over (partition by suite, rule order by checked_at desc, check_id asc)
            as place,
        row_number() over (
            partition by suite, rule, is_success order by checked_at desc, check_id asc
        ) as place_of_its_outcome
    from quality.check_results

)

delete from quality.check_results as results
using ranked
where
    results.check_id = ranked.check_id
    and results.rule = ranked.rule
    and ranked.checked_at < %(before)s
    and ranked.place > 1
    and (
        ranked.is_success
        or ranked.place_of_its_outcome > 1
        or ranked.rule not in (
            select episodes.rule
            from quality.alert_episodes as episodes
            where episodes.resolved_at is null
        )
    )
