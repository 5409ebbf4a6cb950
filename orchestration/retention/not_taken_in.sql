-- The loads that wait for a build.
select loads.load_id
from raw.loads as loads
where
    not exists (
        select 1
        from intermediate.int_model_inputs as taken_in
        where
            taken_in.model_name = 'fct_task_executions'
            and taken_in.input_kind = 'load'
            and taken_in.input_id = cast(loads.load_id as text)
    )
