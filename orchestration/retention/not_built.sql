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

    select distinct model_name
    from intermediate.int_model_inputs
    where input_kind = 'run' and to_regclass('marts.' || quote_ident(model_name)) is not null

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
    ) as models
