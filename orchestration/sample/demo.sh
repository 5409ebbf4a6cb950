#!/usr/bin/env bash
# What `make demo` does: a sample that ends now is landed and built, and the result is shown. It can be run again at
# any time, and builds only what has landed and is not built.
set -euo pipefail

events=.warehouse/sample.ndjson.gz
last_day=.warehouse/sample_last_day.ndjson.gz
past=.warehouse/past
latest_prices=2026-11-28T00:00:00Z

ask() { warehouse db psql -qAtc "$1" 2> /dev/null; }

# A copy of the project whose price book lacks what was recorded last: so prices are corrected, and no file is touched.
copy_project_of_the_past() {
    rm -rf "$past"
    mkdir -p "$past/tests"
    cp -R ./*.yml macros models seeds snapshots "$past"
    cp -R tests/generic tests/singular "$past/tests"
    for file in seeds/pricing/*.csv; do
        grep -v ",$latest_prices," "$file" > "$past/$file"
    done
}

warehouse db migrate
environment=$(warehouse env)
eval "$environment"

# A server of one's own, or another state folder, leaves this one to be made.
mkdir -p .warehouse
if [ ! -e "$last_day" ]; then
    warehouse sample --executions 20000 --organizations 8 --users 120 --days 60 --seed 1 --now now \
        --out "$events" --last-day "$last_day"
fi

# An empty warehouse is built and sealed without the last day and the latest prices first, so that these correct what
# was published.
if [ "$(ask 'select count(*) from raw.loads')" = 0 ]; then
    warehouse land "$events"
    copy_project_of_the_past
    dbt --quiet build --project-dir "$past" --exclude-resource-type test unit_test
    warehouse retention
    rm -rf "$past"
fi
warehouse land "$events" "$last_day"

# dbt would take long to find that there is nothing to do.
is_built=$(ask "
    select '${WAREHOUSE_SCHEMA:-public}' = 'public'
        and not exists (select from intermediate.int_arrived_loads)
        and not exists (select from ledger.running_builds where target_schema = 'public')
        and (
            select failed_count = 0
            from ledger.finished_builds
            where target_schema = 'public' and command = 'build'
            order by ended_at desc
            limit 1
        )
" || true)
if [ "$is_built" != t ]; then
    dbt --quiet build
fi
warehouse summary

cat << 'TEXT'

Where to look next:
  make ui                                              lineage and runs in Dagster
  source .venv/bin/activate && eval "$(warehouse env)"  and then:
  warehouse db psql                                    query schema marts
  dbt docs generate && dbt docs serve                  the models and their columns
TEXT
