-- Where the page of executions ends, if others follow.
with page as (

    {{ executions_page }}

),

numbered as (

    select
        start_time as after_time,
        execution_id as after_id,
        row_number() over (order by start_time desc, execution_id desc) as place,
        count(*) over () as row_count
    from page

)

{{ next_cursor }}
