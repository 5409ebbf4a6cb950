-- Schema ledger: what the warehouse records of its own work. Rows, indexes, constraints, grants and
-- the views that read a table go along with it.

-- A load in progress has written here already and would not find its control totals any more: wait.
lock table raw.loads in share mode;

create schema if not exists ledger;

comment on schema ledger is
'What the warehouse records of its own work: builds, sealings, archives and control totals.';

alter table raw.running_builds set schema ledger;
alter table raw.finished_builds set schema ledger;
alter table raw.built_projects set schema ledger;
alter table raw.seals set schema ledger;
alter table raw.sealed_organizations set schema ledger;
alter table raw.sealed_executions set schema ledger;
alter table raw.archives set schema ledger;
alter table raw.landed_totals set schema ledger;

-- Who could read these tables still can.
do $$
declare
    grantee text;
begin
    for grantee in
        select coalesce(quote_ident(roles.rolname), 'public')
        from pg_catalog.pg_namespace as namespaces
        cross join lateral aclexplode(namespaces.nspacl) as grants
        left join pg_catalog.pg_roles as roles on grants.grantee = roles.oid
        where namespaces.nspname = 'raw' and grants.privilege_type = 'USAGE'
    loop
        execute 'grant usage on schema ledger to ' || grantee;
    end loop;
end
$$;
