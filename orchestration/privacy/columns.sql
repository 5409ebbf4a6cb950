-- Every column of every table that can hold an id or a text, also inside a row. Its base type is
-- looked up through arrays and domains. A table that may not be read is an error, not left out.

select
    namespaces.nspname,
    relations.relname,
    attributes.attname,
    format_type(attributes.atttypid, attributes.atttypmod) as type_name,
    attributes.attnotnull
from pg_catalog.pg_class as relations
inner join pg_catalog.pg_namespace as namespaces on relations.relnamespace = namespaces.oid
inner join pg_catalog.pg_attribute as attributes on relations.oid = attributes.attrelid
inner join pg_catalog.pg_type as types on attributes.atttypid = types.oid
inner join pg_catalog.pg_type as base_types
    on coalesce(nullif(types.typelem, 0), nullif(types.typbasetype, 0), types.oid) = base_types.oid
where
    relations.relkind = 'r'
    and relations.relpersistence <> 't'
    and namespaces.nspname !~ '^pg_'
    and namespaces.nspname <> 'information_schema'
    and (namespaces.nspname, relations.relname) <> ('ledger', 'erasures')
    and attributes.attnum > 0
    and not attributes.attisdropped
    and attributes.attgenerated = ''
    and (
        base_types.typcategory = 'S'
        or base_types.typname in ('uuid', 'json', 'jsonb')
        or base_types.typtype = 'c'
    )
order by namespaces.nspname, relations.relname, attributes.attnum
