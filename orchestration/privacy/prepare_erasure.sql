-- What the statements of an erasure or an export look up, for one transaction.

create temporary table erased_ids (
    id uuid primary key,
    pseudonym uuid not null
) on commit drop;

create temporary table erased_names (
    organization_id uuid not null,
    holder uuid not null,
    name text not null,
    replacement text not null,
    primary key (organization_id, holder, name)
) on commit drop;

-- Executions and decisions of the person, whose rows may not name anybody.
create temporary table related_ids (
    id uuid primary key
) on commit drop;

create or replace function pg_temp.erased(given text)
returns text
language plpgsql
as $$
declare
    token text;
    replacement text;
begin
    for token in
        select distinct tokens[1]
        from regexp_matches(
            given, '([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})', 'gi'
        ) as tokens
    loop
        select cast(erased_ids.pseudonym as text) into replacement
        from pg_temp.erased_ids
        where erased_ids.id = cast(token as uuid);
        if found then
            if position('-' in token) = 0 then
                replacement := replace(replacement, '-', '');
            end if;
            given := replace(given, token, replacement);
        end if;
    end loop;
    return given;
end
$$;
