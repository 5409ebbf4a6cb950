-- How much waits for a build: loads that the facts have not taken in, and models whose bookmark is
-- behind that of the facts.
select
    (
        select count(*)
        from raw.loads
        where
            not exists (
                select 1
                from intermediate.int_model_inputs as taken_in
                where
                    taken_in.model_name = 'fct_task_executions'
                    and taken_in.input_kind = 'load'
                    and taken_in.input_id = cast(loads.load_id as text)
            )
    ) as loads,
    (
        select count(*)
        from intermediate.int_bookmarks as bookmarks
        inner join intermediate.int_bookmarks as of_facts on bookmarks.build_id < of_facts.build_id
        where of_facts.model_name = 'fct_task_executions'
    ) as models
