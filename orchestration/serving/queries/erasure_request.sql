-- Ask that somebody is erased, if that was not asked before: the request that waits.
with made as (

    insert into ledger.erasure_requests (organization_id, user_id)
    select
        %(organization_id)s,
        %(subject_id)s
    where
        %(subject_id)s = access.current_user_id()
        or exists (
            select 1
            from marts.dim_users
            where organization_id = %(organization_id)s and user_id = %(subject_id)s
        )
    on conflict do nothing
    returning
        request_id,
        requested_at,
        carry_out_by

)

select
    request_id,
    requested_at,
    carry_out_by
from made
union all
select
    request_id,
    requested_at,
    carry_out_by
from ledger.erasure_requests
where
    organization_id = %(organization_id)s
    and user_id = %(subject_id)s
    and carried_out_at is null
