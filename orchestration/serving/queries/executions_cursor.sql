-- Where the page of executions ends, if others follow.
with page as (

    {{ executions_page }}

),

numbered as (

    select
        start_time,
        execution_id,
        row_number() over (order by start_time desc, execution_id desc) as place,
        count(*) over () as row_count
    from page

)

select
    (
        select
            translate(
                encode(
                    convert_to(
                        to_char(start_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                        || ' '
                        || execution_id,
                        'UTF8'
                    ),
                    'base64'
                ),
                E'+/=\n', '-_'
            )
        from numbered
        where place = %(row_count)s and row_count > %(row_count)s
    ) as next_cursor
