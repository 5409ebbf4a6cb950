-- The key of a page's last row, if others follow.
select
    (
        select
            translate(
                encode(
                    convert_to(
                        to_char(after_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                        || ' '
                        || after_id,
                        'UTF8'
                    ),
                    'base64'
                ),
                E'+/=\n', '-_'
            )
        from numbered
        where place = %(row_count)s and row_count > %(row_count)s
    ) as next_cursor
