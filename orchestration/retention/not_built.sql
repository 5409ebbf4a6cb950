-- How much waits for a build: loads that the facts have not taken in, and models that lack what the
-- facts have. A model counts while its table is there.
with runs as (

    select invocation_id
    from intermediate.int_model_inputs
    where model_name = 'fct_task_executions'
    union
    select invocation_id
    from intermediate.int_touched_organization_days

),

models as (

    select distinct inputs.model_name
    from intermediate.int_model_inputs as inputs
    inner join pg_catalog.pg_class as tables
        on tables.oid = to_regclass('marts.' || quote_ident(inputs.model_name)) and tables.relkind = 'r'
    where inputs.input_kind = 'run'

)

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
        from models
        where
            exists (
                select 1
                from runs
                where
                    not exists (
                        select 1
                        from intermediate.int_model_inputs as taken_in
                        where
                            taken_in.model_name = models.model_name
                            and taken_in.input_kind = 'run'
                            and taken_in.input_id = runs.invocation_id
                    )
            )
    ) + (
        select count(*)
        from intermediate.int_bookmarks as bookmarks
        inner join intermediate.int_bookmarks as of_facts on bookmarks.build_id < of_facts.build_id
        where of_facts.model_name = 'fct_task_executions'
    ) as models
