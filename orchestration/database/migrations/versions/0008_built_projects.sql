-- What the last build by Dagster was made of, so that the next one leaves alone what stands.

create table raw.built_projects (
    target_schema text primary key,
    code_checksum text not null,
    seeds_checksum text not null,
    built_at timestamptz not null default clock_timestamp()
);

comment on table raw.built_projects is
'One row per default schema that Dagster has built completely: checksums of the files, and when.';
