-- How much waits for a build: loads that the facts have not processed, and models whose bookmark is
-- behind that of the facts.
select
    (select count(*) from intermediate.int_arrived_loads) as loads,
    (
        select count(*)
        from intermediate.int_bookmarks as bookmarks
        inner join intermediate.int_bookmarks as of_facts on bookmarks.build_id < of_facts.build_id
        where of_facts.model_name = 'fct_task_executions'
    ) as models
