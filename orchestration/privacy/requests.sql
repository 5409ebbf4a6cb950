-- The requests to erase somebody that wait, those that are due first. Of somebody who was erased
-- since the record holds a pseudonym.
select
    requests.request_id,
    requests.organization_id,
    requests.user_id,
    requests.requested_at,
    cast(requests.requested_by as text) as requested_by,
    requests.carry_out_by,
    exists (
        select 1
        from ledger.erasures as erasures
        where erasures.pseudonym = requests.user_id
    ) as is_erased,
    exists (
        select 1
        from marts.dim_users as users
        where
            users.user_id = requests.user_id
            and users.organization_id <> requests.organization_id
        union all
        select 1
        from raw.users as users
        where
            users.id = requests.user_id
            and users.organization_id <> requests.organization_id
    ) as is_known_elsewhere
from ledger.erasure_requests as requests
where requests.carried_out_at is null
order by requests.carry_out_by asc, requests.requested_at asc, requests.request_id asc
