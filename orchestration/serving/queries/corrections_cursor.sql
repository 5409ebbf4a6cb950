-- Where the page of corrections ends, if others follow.
with page as (

    {{ corrections_page }}

),

numbered as (

    select
        corrected_at as after_time,
        correction_id as after_id,
        row_number() over (order by corrected_at desc, correction_id desc) as place,
        count(*) over () as row_count
    from page

)

{{ next_cursor }}
