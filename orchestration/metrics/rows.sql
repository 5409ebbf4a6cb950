-- One row per layer: rows of its tables, as the server's statistics count them.

select
    schemaname as layer,
    sum(n_live_tup) as row_count
from pg_catalog.pg_stat_user_tables
where schemaname in ('raw', 'ledger', 'intermediate', 'marts', 'quality', 'reference', 'snapshots')
group by schemaname
order by schemaname
