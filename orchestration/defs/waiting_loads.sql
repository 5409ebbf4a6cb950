-- One row: the oldest load that the facts have not taken in, and how many there are.

select
    count(loads.load_id) as loads,
    min(loads.landed_at) as waiting_since
from raw.loads as loads
where
    not exists (
        select 1
        from intermediate.int_model_inputs as inputs
        where
            inputs.model_name = 'fct_task_executions'
            and inputs.input_kind = 'load'
            and inputs.input_id = cast(loads.load_id as text)
    )
