-- Where the page of corrections ends, if others follow.
with page as (

    {{ corrections_page }}

),

numbered as (

    select
        corrected_at,
        correction_id,
        row_number() over (order by corrected_at desc, correction_id desc) as place,
        count(*) over () as row_count
    from page

)

select
    (
        select
            translate(
                encode(
                    convert_to(
                        to_char(corrected_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                        || ' '
                        || correction_id,
                        'UTF8'
                    ),
                    'base64'
                ),
                E'+/=\n', '-_'
            )
        from numbered
        where place = %(row_count)s and row_count > %(row_count)s
    ) as next_cursor
