"""Tenants never mix: every relation, every role, two organizations, ways around policies."""

import contextlib
import dataclasses
import random
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from support.events import evaluation, execution, organization, user, uuid_of
from support.servers import Database
from support.stories import NOW, ROWS, Seeds, Story, environment_of, price, story_database

from orchestration.access.roles import (
    ROLES,
    apply_roles,
    ensure_months_around_now,
    find_faults,
)
from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.landing.loader import land

pytest_plugins = ["support.stories"]

READERS = ("org_admin", "team_lead", "developer", "support", "analyst", "bi_reader")
LISTED = ("support", "analyst", "bi_reader")
"""Roles whose login is allowed organizations one by one; the others ask for the current one."""

SCHEMAS = (
    "raw", "ledger", "access", "audit", "staging", "intermediate", "marts", "documents", "quality",
    "reference", "snapshots",
)  # fmt: skip
RELATIONS = """
select
    namespaces.nspname as schema_name,
    cast(relations.oid as regclass)::text as name,
    relations.relkind = 'v' as is_view,
    relations.relispartition as is_partition,
    relations.relrowsecurity and relations.relforcerowsecurity as is_forced,
    coalesce('security_invoker=true' = any (relations.reloptions), false) as is_invoker,
    array(
        select attname::text from pg_attribute
        where attrelid = relations.oid and attnum > 0 and not attisdropped
    ) as columns,
    array(
        select format('%%s for %%s: %%s', role.rolname, policies.polcmd,
                      pg_get_expr(policies.polqual, policies.polrelid))
        from pg_policy as policies
        cross join unnest(policies.polroles) as named
        inner join pg_roles as role on named = role.oid
        where policies.polrelid = relations.oid
    ) as policies,
    array(
        select role.rolname::text
        from pg_roles as role
        where role.rolname = any (%(readers)s)
        and has_any_column_privilege(role.oid, relations.oid, 'select')
    ) as readers,
    (
        select (obj_description(oid, 'pg_policy')::jsonb) ->> 'because'
        from pg_policy where polrelid = relations.oid and polname = 'owner'
    ) as because
from pg_class as relations
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
where namespaces.nspname = any (%(schemas)s) and relations.relkind in ('r', 'p', 'v', 'm', 'f')
order by 2
"""


@dataclasses.dataclass(frozen=True)
class Relation:
    """What the catalog says of a table or view."""

    schema_name: str
    name: str
    is_view: bool
    is_partition: bool
    is_forced: bool
    is_invoker: bool
    columns: list[str]
    policies: list[str]
    readers: list[str]
    because: str | None


@dataclasses.dataclass(frozen=True)
class Hunt:
    """A built warehouse with two organizations to keep apart, and logins that try.

    Attributes:
        story: The warehouse.
        ours: The organization that logins may speak for.
        theirs: Another one, of which nothing may be seen.
        user_id: A user of ours, in a team.
        team: The team.
        password: The logins' password.
    """

    story: Story
    ours: str
    theirs: str
    user_id: str
    team: str
    password: str

    def connect(self, login: str, **options: Any) -> psycopg.Connection:
        """Connect as a login; `server` as the API, which may speak for everybody."""
        return self.story.database.connect(
            user=f"hunt_{login}", password=self.password, autocommit=True, **options
        )

    @contextlib.contextmanager
    def request(
        self, api: psycopg.Connection, role: str, organization_id: str, user_id: str | None = None
    ) -> Iterator[None]:
        """Do what an API does for a request: one transaction with a role and two settings."""
        with api.transaction():
            api.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            api.execute(
                "select set_config('app.current_organization', %s, true), "
                "set_config('app.current_user', %s, true)",
                (organization_id, user_id or self.user_id),
            )
            yield

    def relations(self) -> list[Relation]:
        with self.story.database.connect() as connection:
            cursor = connection.cursor(row_factory=psycopg.rows.class_row(Relation))
            parameters = {"readers": list(READERS), "schemas": list(SCHEMAS)}
            return cursor.execute(RELATIONS.encode(), parameters).fetchall()

    def marts(self) -> list[Relation]:
        found = [row for row in self.relations() if row.schema_name in ("marts", "documents")]
        assert len(found) >= 50
        return found


@pytest.fixture(scope="module")
def hunt(
    sample: Story, embedded_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hunt]:
    """Yield the built sample with prices of two organizations' own, late events and logins."""
    server_name = sample.database.settings.dbname
    seeds = Seeds(sample.project.prices)
    with story_database(embedded_server, server_name) as database:
        story = dataclasses.replace(
            sample, database=database, folder=tmp_path_factory.mktemp("hunt"), stands=None,
            events=list(sample.events),
        )  # fmt: skip
        # A team that somebody has left, with people in it.
        teams = story.rows(
            "select organization_id, team, "
            "min(user_id::text) filter (where valid_until is null) as user_id "
            "from dim_user_versions where team is not null group by organization_id, team "
            "order by least(count(*) filter (where valid_until is not null), 1) desc, count(*) desc"
        )
        ours = teams[0]
        theirs = next(row for row in teams if row["organization_id"] != ours["organization_id"])
        with database.connect(autocommit=True) as connection:
            apply_roles(connection)
        with environment_of(database):
            ensure_months_around_now()
        try:
            for of in (ours, theirs):
                seeds.add(
                    "provider_pricing",
                    price("anthropic", f"secret-of-{of['organization_id']}",
                          organization_id=of["organization_id"]),
                )  # fmt: skip
            story.build()
        finally:
            seeds.restore()
        for number, of in enumerate((ours, theirs)):
            for status in ("completed", "failed"):
                story.land(
                    execution(
                        71_000 + 10 * number + (status == "failed"),
                        organization_id=of["organization_id"],
                        user_id=of["user_id"],
                        status=status,
                    ),
                    evaluation(
                        71_000 + 10 * number + (status == "failed"),
                        organization_id=of["organization_id"],
                    ),
                )
        password = secrets.token_urlsafe(12)
        logins = {
            "api": (*READERS,),
            "analyst": ("analyst",),
            "bi": ("bi_reader",),
            "support": ("support",),
            "developer": ("developer",),
            "builder": (),
            "loader": ("loader",),
            "nobody": (),
        }
        with database.connect(autocommit=True) as connection:
            for login, roles in logins.items():
                inherits = "noinherit" if login == "api" else "inherit"
                connection.execute(
                    sql.SQL(f"create role {{}} login {inherits} password {{}}").format(
                        sql.Identifier(f"hunt_{login}"), sql.Literal(password)
                    )
                )
                for role in roles:
                    connection.execute(
                        sql.SQL("grant {} to {}").format(
                            sql.Identifier(role), sql.Identifier(f"hunt_{login}")
                        )
                    )
            connection.execute(
                "insert into access.logins (login, organization_id, user_id) values "
                "('hunt_api', null, null), ('hunt_analyst', %(ours)s, null), "
                "('hunt_bi', %(ours)s, null), ('hunt_support', %(ours)s, null), "
                "('hunt_developer', %(ours)s, %(user)s)",
                {"ours": ours["organization_id"], "user": ours["user_id"]},
            )
        try:
            yield Hunt(
                story,
                ours["organization_id"],
                theirs["organization_id"],
                ours["user_id"],
                ours["team"],
                password,
            )
        finally:
            with database.connect(autocommit=True) as connection:
                for login in logins:
                    name = sql.Identifier(f"hunt_{login}")
                    connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(name))


def assert_protected(relations: list[Relation]) -> None:
    """Fail unless each relation has its policies, or a reason why it needs none."""
    faults = []
    for relation in relations:
        if relation.is_view:
            if not relation.is_invoker:
                faults.append(f"{relation.name} reads as its owner")
            continue
        if not relation.is_forced:
            faults.append(f"{relation.name} has no forced row-level security")
        open_to = [
            policy
            for policy in relation.policies
            if policy.split(" ")[0] in READERS and policy.endswith(": true")
        ]
        holds = {"organization_id", "organization_scope"} & set(relation.columns)
        if open_to and (holds or not relation.because):
            faults.append(f"{relation.name} is open without a reason: {open_to}")
        if holds and not relation.is_partition and len(relation.readers) < 3:
            faults.append(f"{relation.name} is for {relation.readers} only")
        restricted = {policy.split(" ")[0] for policy in relation.policies}
        if not set(relation.readers) <= restricted | {"x"} and relation.name != "access.logins":
            faults.append(f"{relation.name} may be asked without a policy by {relation.readers}")
    assert not faults, "\n".join(faults)


def test_every_relation_is_protected_through_rebuilds_and_new_models(hunt: Hunt) -> None:
    relations = hunt.relations()
    assert len([row for row in relations if not row.is_partition]) > 140
    assert_protected(relations)

    story = hunt.story
    folder = story.project.root / "models" / "marts" / "organizations"
    files = {
        folder / "new_table.sql": "{{ config(materialized='table', contract={'enforced': false}) }}"
        "select organization_id, organization_name from {{ ref('dim_organizations') }}",
        folder / "new_view.sql": "{{ config(materialized='view', contract={'enforced': false}) }}"
        "select * from {{ ref('new_table') }}",
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    try:
        story.build("new_table", "new_view", "dim_organizations", "int_user_days", "dim_prices",
                    "exchange_rates", full_refresh=True)  # fmt: skip
        assert_protected(hunt.relations())
        with hunt.connect("bi") as connection:
            for name in ("new_table", "new_view"):
                (row,) = rows_of(connection, f"marts.{name}")
                assert hunt.ours in row
    finally:
        for path in files:
            path.unlink()
        with story.database.connect(autocommit=True) as connection:
            connection.execute("drop table marts.new_table cascade")


def rows_of(connection: psycopg.Connection, name: str, where: str = "true") -> list[str]:
    query = f"select held::text from {name} as held where {where} order by 1"  # noqa: S608
    found = connection.execute(query.encode())
    return [row for (row,) in found]


IN_TEAM = """
exists (
    select 1 from marts.dim_user_versions as versions
    where versions.organization_id = held.organization_id
    and versions.user_id = held.user_id
    and versions.team = '{team}'
    and {when}
)
"""
ON_THE_DAY = (
    "held.metric_date >= versions.valid_from "
    "and held.metric_date < coalesce(versions.valid_until, 'infinity')"
)
IN_FACTS = "held.id in (select execution_id from marts.fct_task_executions as held where IN_TEAM)"
EVER = IN_TEAM.format(team="{team}", when="true")
OF_A_LEAD = {
    "marts.dim_users": EVER,
    "marts.dim_user_versions": EVER,
    "marts.fct_adjustments": EVER,
    "documents.users": EVER.replace("held.user_id", "held.id"),
    "documents.task_executions": IN_FACTS.replace(
        "IN_TEAM", IN_TEAM.format(team="{team}", when=ON_THE_DAY)
    ),
    "marts.team_days": "held.team = '{team}'",
    "marts.team_months": "held.team = '{team}'",
}
"""Which rows of an organization are for who leads a team; of others those of its members' days."""

PERIODS_OF_USERS = ("marts.user_weeks", "marts.user_months", "documents.user_analytics")
"""Who leads a team sees of a user's period the days in the team."""

OF_NOBODY = (
    "marts.dim_dates", "marts.dim_providers", "marts.dim_source_gaps", "marts.live_freshness",
)  # fmt: skip

PRICES = ("marts.dim_prices", "marts.dim_usage_prices", "marts.dim_price_factors")


def rows_for(hunt: Hunt, role: str, relation: Relation) -> str:
    """Return the condition under which the owner sees what a role should see of a relation."""
    if "organization_id" not in relation.columns:
        # Of nobody, or of everybody together: the first is for all, the other for no tenant.
        return str(relation.name in OF_NOBODY)
    if relation.name in PRICES:
        own = "" if role == "support" else f" or organization_id = '{hunt.ours}'"
        return f"organization_id is null{own}"
    own = f"organization_id = '{hunt.ours}'"
    if role == "developer" and "user_id" in relation.columns:
        return f"{own} and user_id = '{hunt.user_id}'"
    if role == "team_lead" and relation.name != "marts.dim_organizations":
        days = IN_TEAM.format(team="{team}", when=ON_THE_DAY)
        of_a_lead = OF_A_LEAD.get(relation.name, days)
        return f"{own} and {of_a_lead.format(team=hunt.team)}"
    if role == "support" and relation.name == "marts.dim_organizations":
        return "false"
    return own


def test_every_role_sees_its_rows_of_every_mart_and_they_are_those_of_the_owner(hunt: Hunt) -> None:
    """Compared row by row with what the owner sees: a view over rows some of which are hidden."""
    probes = seen_rows = 0
    with hunt.story.database.connect() as owner, hunt.connect("api") as api:
        owner.execute("set transaction isolation level repeatable read")
        for relation in hunt.marts():
            for role in READERS:
                probes += 1
                with hunt.request(api, role, hunt.ours), contextlib.ExitStack() as stack:
                    is_sum = relation.name == "marts.unpriced_usage"  # of all that one sees
                    if role not in relation.readers or (
                        is_sum and role in ("team_lead", "developer", "support")
                    ):
                        stack.enter_context(pytest.raises(psycopg.errors.InsufficientPrivilege))
                    seen = rows_of(api, relation.name)
                    seen_rows += len(seen)
                    is_part = role == "team_lead" and relation.name in PERIODS_OF_USERS
                    if not (is_sum or is_part):
                        expected = rows_of(owner, relation.name, rows_for(hunt, role, relation))
                        assert seen == expected, (role, relation.name)
    assert (probes, seen_rows > 50_000) == (6 * len(hunt.marts()), True)


def test_who_leads_a_team_sees_of_a_period_what_its_people_did_in_it(hunt: Hunt) -> None:
    with hunt.story.database.connect() as owner, hunt.connect("api") as api:
        condition = rows_for(
            hunt, "team_lead", next(row for row in hunt.marts() if row.name == "marts.user_days")
        )
        summed = "select user_id, sum(total_tasks), sum(total_spend_usd) from {} as held "
        expected = owner.execute(
            f"{summed.format('marts.user_days')} where {condition} group by 1 order by 1"
        ).fetchall()
        assert len(expected) > 1
        with hunt.request(api, "team_lead", hunt.ours):
            for name, where in (
                ("marts.user_weeks", "true"),
                ("marts.user_months", "true"),
                ("documents.user_analytics", "aggregation_period = 'daily'"),
                ("documents.user_analytics", "aggregation_period = 'monthly'"),
            ):
                found = api.execute(
                    f"{summed.format(name)} where {where} group by 1 order by 1"
                ).fetchall()
                assert found == expected, name


def test_what_is_unset_unknown_or_no_uuid_shows_nothing(hunt: Hunt) -> None:
    values = (
        "",
        "x",
        str(uuid_of(99)),
        f"{hunt.ours}' or 'a' = 'a",
        "'; drop schema raw",
        "%",
        "\\",
    )
    with hunt.connect("api") as api, hunt.connect("developer") as developer:
        for relation in hunt.marts():
            if "organization_id" not in relation.columns:
                continue
            held = "true" if "prices" not in relation.name and "factors" not in relation.name else (
                "organization_id is not null"
            )  # fmt: skip
            for role in relation.readers:
                for value in values:
                    if value == "" and role in LISTED:
                        continue  # asks for all that the login is allowed, which is everything
                    with hunt.request(api, role, value):
                        assert not rows_of(api, relation.name, held), (role, relation.name, value)
            if "developer" in relation.readers:
                assert not rows_of(developer, relation.name, held), relation.name
        with api.transaction():
            api.execute("set local role org_admin")
            assert not rows_of(api, "marts.organization_days")


ATTEMPTS = (
    "set app.current_organization = 'THEIRS'; select * from marts.dim_organizations",
    "select set_config('app.current_organization', 'THEIRS', false); "
    "select * from marts.fct_task_executions",
    "begin; set local app.current_organization = 'THEIRS'; "
    "select * from marts.dim_users; commit",
    "set role org_admin; select * from marts.dim_users",
    "set role builder; select * from marts.dim_users",
    "set role none; select * from marts.dim_organizations",
    "set session authorization hunt_api; select * from marts.dim_organizations",
    "reset session authorization; select * from marts.dim_organizations",
    "set row_security = off; select * from marts.dim_organizations",
    "alter table marts.dim_organizations disable row level security",
    "alter table marts.dim_organizations no force row level security",
    "create policy mine on marts.dim_organizations using (true)",
    "drop policy bi_reader_select on marts.dim_organizations",
    "grant builder to current_user",
    "insert into access.logins (login, organization_id) values (session_user, 'THEIRS')",
    "update access.logins set organization_id = 'THEIRS'",
    "delete from access.logins; select * from marts.dim_organizations",
    "select * from access.logins",
    "select * from access.teams",
    "select access.protect('marts.dim_organizations', 'everyone', 'why not')",
    "select * from raw.organizations",
    "select * from intermediate.int_prices",
    "select * from staging.stg_platform__users",
    "select * from raw.task_executions_y2026m09",
    "copy marts.dim_organizations to stdout",
    "copy (select * from marts.dim_users) to stdout",
    "copy marts.dim_organizations to '/tmp/all'",
    "copy (select 1) to program 'cat'",
    "table marts.dim_organizations",
    "explain (analyze, verbose) select * from marts.dim_organizations",
    "select * from pg_stats where schemaname in ('marts', 'raw', 'intermediate', 'reference')",
    "select most_common_vals from pg_stats_ext",
    "select stavalues1 from pg_statistic",
    "select * from pg_stat_activity",
    "select last_value from raw.loads_load_id_seq",
    "select nextval('raw.loads_load_id_seq')",
    "select table_to_xml('marts.dim_organizations', true, false, '')",
    "select query_to_xml('select * from marts.dim_users', true, false, '')",
    "select schema_to_xml('marts', true, false, '')",
    "select database_to_xml(true, false, '')",
    "select cast(organization_name as integer) from marts.dim_organizations",
    "select * from marts.dim_organizations where cast(organization_name as integer) = 1",
    "select * from marts.dim_prices where cast(model as integer) > 0",
    "select * from marts.fct_task_executions where cast(user_id::text as integer) > 0",
    "select 1 / (case when organization_name like '%' then 0 else 1 end) "
    "from marts.dim_organizations",
    "create function pg_temp.tell(text) returns boolean language plpgsql cost 0.0001 as "
    "'begin raise notice ''%'', $1; return true; end'; "
    "select * from marts.dim_organizations where pg_temp.tell(organization_name); "
    "select * from marts.dim_users where pg_temp.tell(user_name); "
    "select * from marts.dim_prices where pg_temp.tell(model)",
    "create temp table logins (login name, organization_id uuid, user_id uuid); "
    "insert into pg_temp.logins values (session_user, null, null); "
    "set search_path = pg_temp, access, marts; select * from dim_organizations",
    "create function pg_temp.current_setting(text, boolean) returns text language sql as "
    "$$ select 'FIRST' || 'REST' $$; "
    "set search_path = pg_temp, pg_catalog; select * from marts.dim_organizations",
    "create function pg_temp.uuid_setting(text) returns uuid language sql as "
    "$$ select ('FIRST' || 'REST')::uuid $$; "
    "set search_path = pg_temp, access; select * from marts.organization_days",
    "create temp view mine as select * from marts.dim_organizations; table mine",
    "create temp table mine (organization_id uuid references marts.dim_organizations)",
    "create table marts.mine (organization_id uuid)",
    "create schema mine",
    "insert into marts.dim_organizations select * from marts.dim_organizations",
    "insert into marts.dim_organizations (organization_id) values "
    "('FIRST' || 'REST') on conflict do nothing",
    "update marts.dim_organizations set tier = tier returning *",
    "delete from marts.dim_users returning *",
    "truncate marts.dim_users",
    "lock table marts.dim_users in access exclusive mode",
    "do $$ declare r record; begin for r in select * from marts.dim_organizations loop "
    "raise notice '%', r; end loop; end $$",
    "prepare read as select * from marts.dim_organizations; execute read; "
    "set app.current_organization = 'THEIRS'; execute read",
    "select * from marts.organization_days as a left join lateral (select * from "
    "marts.dim_organizations) as b on true",
    "select lo_import('/etc/passwd'), pg_read_file('/etc/passwd')",
    "select pg_get_viewdef('marts.organization_days'::regclass)",
    "select * from marts.fct_alerts",
    "select * from quality.alert_conditions",
    "select * from quality.alert_episodes",
    "select * from reference.provider_pricing",
    "select * from snapshots.provider_pricing_history",
    "select currtid2('marts.dim_organizations', '(0,1)')",
    "select ctid, xmin, * from marts.dim_organizations where ctid = '(0,1)'",
    "select * from marts.dim_organizations tablesample system (100)",
    "select * from audit.audit_log",
    "select * from audit.audit_log_y2026m11",
    "select audit.record('explain', organization_id => 'THEIRS')",
    "insert into audit.audit_log (action, login) values ('explain', 'postgres')",
    "insert into audit.audit_log (action, created_at) values ('explain', '2026-11-01')",
    "insert into audit.audit_log (action) values ('explain') returning *",
    "set app.is_erasing = 'true'; update audit.audit_log set user_id = null",
    "delete from audit.audit_log",
    "declare c cursor with hold for select * from marts.dim_users; fetch all from c",
)  # fmt: skip
"""What a login might send; THEIRS is the other organization, FIRST and REST its two parts."""


def test_nothing_of_another_organization_is_found_by_a_login_that_writes_sql(hunt: Hunt) -> None:
    """Each attempt fails or sees nothing of the other organization, and no message tells of it."""
    theirs, ours = hunt.theirs, hunt.ours
    with hunt.story.database.connect() as owner:
        named = owner.execute(
            "select organization_name from marts.dim_organizations where organization_id = %s",
            (theirs,),
        ).fetchone()
        assert named is not None
        users = owner.execute(
            "select user_id::text, user_name from marts.dim_users where organization_id = %s",
            (theirs,),
        ).fetchall()
    tell_tale = [theirs, str(named[0]), f"secret-of-{theirs}"]
    tell_tale += [str(word) for row in users for word in row if word]
    attempts = [
        attempt.replace("THEIRS", theirs).replace("FIRST", theirs[:8]).replace("REST", theirs[8:])
        for attempt in ATTEMPTS
    ]
    told = []
    for login in ("bi", "analyst", "support", "developer", "nobody"):
        for attempt in attempts:
            notices: list[str] = []
            with hunt.connect(login) as connection:
                connection.add_notice_handler(
                    lambda notice: notices.append(str(notice.message_primary))  # noqa: B023
                )
                for answer in answers(connection, attempt):
                    found = [word for word in tell_tale if word in answer.replace(attempt, "")]
                    told += [(login, attempt, word) for word in found]
            told += [
                (login, attempt, word) for word in tell_tale for notice in notices if word in notice
            ]
    # What an attempt says itself is no news.
    told = [(login, attempt, word) for login, attempt, word in told if word not in attempt]
    assert not told, told[:5]
    with hunt.connect("bi") as connection:
        seen = connection.execute("select organization_id::text from marts.dim_organizations")
        assert seen.fetchall() == [(ours,)], "the attempts have changed what is seen"


def test_operators_and_functions_of_ones_own_lend_no_policy_another_meaning(hunt: Hunt) -> None:
    with hunt.story.database.connect(autocommit=True) as owner:
        owner.execute("create schema hunt_own authorization hunt_bi")
    with hunt.connect("bi") as connection:
        connection.execute(
            """
            create function hunt_own.same(uuid, uuid) returns boolean language sql return true;
            create operator hunt_own.= (function = hunt_own.same, leftarg = uuid, rightarg = uuid);
            create function hunt_own.yes(name, text) returns boolean language sql return true;
            create operator hunt_own.= (function = hunt_own.yes, leftarg = name, rightarg = text);
            create function hunt_own.pg_has_role(oid, text) returns boolean
            language sql return true;
            set search_path = hunt_own, pg_catalog
            """
        )
        connection.execute(
            "select set_config('app.current_organization', %s, false)", (hunt.theirs,)
        )
        assert rows_of(connection, "marts.dim_organizations") == []
        assert rows_of(connection, "marts.organization_days") == []
        connection.execute("reset app.current_organization")
        assert len(rows_of(connection, "marts.dim_organizations")) == 1


def answers(connection: psycopg.Connection, statements: str) -> Iterator[str]:
    """Yield all that the server answers to statements, rows and errors alike, as text."""
    if statements.startswith("copy ") and "stdout" in statements:
        try:
            with connection.cursor().copy(statements.encode()) as copy:
                yield "".join(bytes(block).decode() for block in copy)
        except psycopg.Error as error:
            yield f"{error} {error.diag.message_detail} {error.diag.context}"
        return
    try:
        cursor = connection.execute(statements.encode())
        while True:
            if cursor.description is not None:
                yield str(cursor.fetchall())
            if not cursor.nextset():
                return
    except psycopg.Error as error:
        yield f"{error} {error.diag.message_detail} {error.diag.context}"


def test_pooled_connections_serve_tenants_in_turn_without_a_foreign_row(hunt: Hunt) -> None:
    """Random reads, prepared and not, of two organizations and three roles over one connection."""
    chance = random.Random(20)  # noqa: S311
    names = [
        relation.name
        for relation in hunt.marts()
        if "organization_id" in relation.columns
        and not relation.name.startswith(("marts.live", "marts.dim_p", "marts.dim_usage"))
        and {"org_admin", "developer"} <= set(relation.readers)
    ]
    assert len(names) > 5
    reads = rows = 0
    with hunt.connect("api", prepare_threshold=2) as api:
        while reads < 2_000:
            tenant = chance.choice((hunt.ours, hunt.theirs))
            role = chance.choice(("org_admin", "developer", "bi_reader"))
            with hunt.request(api, role, tenant):
                for _ in range(20):
                    query = (
                        f"select organization_id::text from {chance.choice(names)} "  # noqa: S608
                        "where organization_id <> %s or random() < 0.5 limit 5"
                    )
                    asked = chance.choice((hunt.ours, hunt.theirs))
                    found = api.execute(query.encode(), (asked,)).fetchall()
                    reads += 1
                    rows += len(found)
                    assert {owner for (owner,) in found} <= {tenant}
            if chance.random() < 0.02:
                api.execute("reset all")
    assert rows > 2_000


def test_a_developer_of_one_organization_speaks_for_nobody_else(hunt: Hunt) -> None:
    with hunt.connect("developer") as connection:

        def users(organization_id: str, user_id: str) -> list[str]:
            connection.execute(
                "select set_config('app.current_organization', %s, false), "
                "set_config('app.current_user', %s, false)",
                (organization_id, user_id),
            )
            found = connection.execute("select distinct user_id::text from marts.user_days")
            return [user_id for (user_id,) in found]

        assert users(hunt.ours, hunt.user_id) == [hunt.user_id]
        mate = next(
            row["user_id"]
            for row in hunt.story.rows(
                "select user_id from user_days where organization_id = %s and user_id <> %s",
                hunt.ours,
                hunt.user_id,
            )
        )
        assert users(hunt.ours, mate) == []
        assert users(hunt.theirs, hunt.user_id) == []


def test_support_sees_days_of_five_people_and_more_of_its_organizations(hunt: Hunt) -> None:
    expected = hunt.story.rows(
        "select organization_id, metric_date, active_developers, total_tasks, total_spend_usd "
        "from organization_days where active_developers >= 5 and organization_id = %s order by 2",
        hunt.ours,
    )
    assert expected
    with hunt.connect("support") as connection:
        found = connection.execute(
            "select organization_id::text, metric_date, active_developers, total_tasks, "
            "total_spend_usd from marts.support_days order by 2"
        ).fetchall()
        assert found == [tuple(row.values()) for row in expected]
    few = hunt.story.rows("select 1 from organization_days where active_developers < 5 limit 1")
    assert few, "the sample has no day of few people"


def test_who_may_read_all_sees_what_adds_organizations_up(hunt: Hunt) -> None:
    with hunt.story.database.connect() as owner, hunt.connect("api") as api:
        total = owner.execute("select sum(total_spend_usd) from marts.provider_days").fetchone()
        for role in LISTED:
            with api.transaction():
                api.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
                seen = api.execute("select sum(total_spend_usd) from marts.provider_days")
                assert seen.fetchone() == total
        alerts = rows_of(owner, "marts.fct_alerts", "organization_id is null")
        with api.transaction():
            api.execute("set local role bi_reader")
            seen_alerts = rows_of(api, "marts.fct_alerts", "organization_id is null")
        assert [row.split(",")[1] for row in seen_alerts] == [row.split(",")[1] for row in alerts]


def test_the_loader_lands_a_file_and_reads_nothing_of_others(hunt: Hunt, tmp_path: Path) -> None:
    database = hunt.story.database.as_login("hunt_loader", hunt.password, tmp_path)
    lines = Story(hunt.story.project, database, tmp_path)
    # A file of its own, so that other tests' figures stay.
    newcomer = str(uuid_of(72_000))
    lines.land(
        organization(id=newcomer),
        user(72_001, organization_id=newcomer),
        execution(72_002, organization_id=newcomer, user_id=str(uuid_of(72_001))),
    )
    with environment_of(lines.database):
        again = land([next(tmp_path.glob("*.ndjson"))])
    assert again.files[0].is_skipped
    with hunt.connect("loader") as loader:
        for name in ("task_executions", "users", "organizations", "routing_decisions"):
            assert rows_of(loader, f"raw.{name}") == []
        assert loader.execute("update raw.routing_decisions set reasoning = ''").rowcount == 0
        for statement in (
            "select * from marts.fct_task_executions",
            "update raw.users set name = 'x'",
            "delete from raw.routing_decisions",
            "delete from raw.task_executions",
            "select * from ledger.sealed_executions",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                loader.execute(statement.encode())


def test_roles_are_applied_shown_and_checked_by_commands(hunt: Hunt) -> None:
    runner = CliRunner()
    with environment_of(hunt.story.database):

        def run(*arguments: str) -> tuple[int, str]:
            result = runner.invoke(main, ["roles", *arguments])
            return result.exit_code, result.output

        assert run("apply") == (
            0, "9 roles: none was missing. Policies and rights are up to date.\n"
        )  # fmt: skip
        code, shown = run("show")
        assert code == 0
        assert all(f"{name}: {may}" in shown for name, may in ROLES.items())
        assert f"    hunt_bi: {hunt.ours}\n" in shown
        assert f"    hunt_developer: {hunt.ours} as {hunt.user_id}\n" in shown
        assert "    hunt_api: every organization\n" in shown
        assert run("check")[0] == 0, run("check")

        allowed = ("allow", "hunt_nobody", "--role", "bi_reader", "--organization")
        assert run(*allowed, hunt.theirs) == (0, "hunt_nobody is in bi_reader.\n")
        with hunt.connect("nobody") as connection:
            seen = connection.execute("select organization_id::text from marts.dim_organizations")
            assert seen.fetchall() == [(hunt.theirs,)]
        assert run("withdraw", "hunt_nobody")[0] == 0
        with hunt.connect("nobody") as connection, pytest.raises(psycopg.errors.Error):
            connection.execute("select from marts.dim_organizations")

        unknown = str(uuid_of(98))
        for arguments, said in (
            ((*allowed, unknown), f"Organization {unknown} does not exist"),
            ((*allowed, "1' or '1'='1"), "is not a valid UUID"),
            ((*allowed, hunt.ours, "--user", unknown), f"User {unknown} does not exist"),
            (("allow", "hunt_ghost", *allowed[2:], hunt.ours), "Login hunt_ghost does not exist"),
            (("allow", "hunt_bi", "--role", "root", "--every-organization"), "no role 'root'"),
            (("allow", "hunt_bi", "--role", "analyst"), "--every-organization"),
            (("allow", "hunt_bi", "--role", "loader", "--every-organization"), "for nobody"),
        ):
            code, output = run(*arguments)
            assert (code != 0, said in output, "Traceback" in output) == (True, True, False), output


def test_builds_checks_and_retention_need_no_owner(hunt: Hunt, tmp_path: Path) -> None:
    """A login in role loader lands, one in role builder does everything else; neither owns raw."""
    story = hunt.story
    runner = CliRunner()
    with environment_of(story.database):
        for login in ("builder", "loader"):
            allowed = runner.invoke(main, ["roles", "allow", f"hunt_{login}", "--role", login])
            assert allowed.exit_code == 0, allowed.output

    def acting_as(login: str) -> Story:
        database = story.database.as_login(f"hunt_{login}", hunt.password, tmp_path)
        return dataclasses.replace(story, database=database, folder=tmp_path, stands=None)

    newcomer = str(uuid_of(73_000))
    done = execution(73_001, organization_id=newcomer)
    acting_as("loader").land(organization(id=newcomer), done)
    builder = acting_as("builder")
    builder.build(ROWS)
    builder.build("dim_organizations", "int_user_days", "user_days", full_refresh=True)
    assert story.rows("select 1 from marts.dim_organizations where organization_id = %s", newcomer)
    with environment_of(builder.database):
        for command in (
            ["check"],
            ["explain", str(done["id"])],
            ["retention", "--now", NOW, "--archive", str(tmp_path / "archive")],
            ["verify"],
        ):
            result = runner.invoke(main, command)
            assert "permission denied" not in result.output, result.output
            assert "must be owner" not in result.output, result.output
            assert result.exit_code == 0 or command == ["check"], result.output
    with environment_of(story.database):
        assert runner.invoke(main, ["roles", "check"]).exit_code == 0
    with hunt.connect("builder") as connection:
        for statement in (
            "insert into raw.loads default values",
            "update raw.task_executions set provider = 'x'",
            "drop table raw.users",
            "insert into access.logins (login) values (session_user)",
            "alter table raw.users disable row level security",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


FAULTS = {
    "alter role developer createdb": ("alter role developer nocreatedb", "Role developer can do"),
    "alter table marts.dim_users no force row level security": (
        "alter table marts.dim_users force row level security", "marts.dim_users holds rows"
    ),
    "alter view marts.user_days set (security_invoker = false)": (
        "alter view marts.user_days set (security_invoker = true)", "View marts.user_days reads as"
    ),
    "grant select on marts.dim_users to public": (
        "revoke select on marts.dim_users from public", "Everybody has rights on marts.dim_users"
    ),
    "create table marts.mine (); alter table marts.mine owner to analyst": (
        "drop table marts.mine", "Role analyst owns something"
    ),
    "create materialized view marts.mine as select organization_id from marts.dim_users": (
        "drop materialized view marts.mine", "marts.mine holds rows of organizations, and no"
    ),
    "create function marts.mine() returns int security definer language sql return 1": (
        "drop function marts.mine()", "Function marts.mine() runs as its owner"
    ),
    "alter role hunt_bi bypassrls": ("alter role hunt_bi nobypassrls", "Login hunt_bi is in bi"),
    "insert into access.logins (login) values ('ghost')": (
        "delete from access.logins where login = 'ghost'", "Login ghost may speak"
    ),
    "insert into access.logins (login) values ('hunt_nobody')": (
        "delete from access.logins where login = 'hunt_nobody'", "is in no role that reads"
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", FAULTS)
def test_check_finds_what_lets_more_through(hunt: Hunt, mistake: str) -> None:
    mended, said = FAULTS[mistake]
    with hunt.story.database.connect(autocommit=True) as connection:
        assert find_faults(connection) == []
        connection.execute(mistake.encode())
        try:
            assert any(said in fault for fault in find_faults(connection))
        finally:
            connection.execute(mended.encode())
        assert find_faults(connection) == []


# What a database is like whose tables are older than two of the roles.
OLDER_THAN_ROLES = """
do $older$
declare
    standing record;
begin
    drop owned by analyst, org_admin;
    for standing in
        select
            polrelid::regclass as relation,
            obj_description(oid, 'pg_policy')::jsonb as said
        from pg_policy
        where polname = 'owner' and obj_description(oid, 'pg_policy') is not null
    loop
        execute format(
            'comment on policy owner on %s is %L',
            standing.relation,
            jsonb_set(standing.said, '{rights}', jsonb_path_query_array(
                standing.said, '$.rights[*] ? (@.role != "analyst" && @.role != "org_admin")'
            ))
        );
    end loop;
end
$older$
"""


def test_policies_hold_on_every_supported_version(database: Database) -> None:
    """Rows of schema raw, before anything was built; roles come later than the tables."""
    ours, theirs = UUID(int=1), UUID(int=2)
    login = f"reader_{database.settings.dbname}"
    name = sql.Identifier(login)
    password = secrets.token_urlsafe(12)
    with database.connect(autocommit=True) as owner:
        owner.execute(
            "insert into raw.users (_load_id, _line_number, event_id, id, organization_id, name, "
            "role, updated_at) select 1, n, gen_random_uuid(), gen_random_uuid(), "
            "('00000000-0000-0000-0000-00000000000' || n)::uuid, 'Ada', 'member', now() "
            "from generate_series(1, 2) as n"
        )
        owner.execute(OLDER_THAN_ROLES.encode())
        apply_roles(owner)
        # Other databases of the server have a loader, who would find no partition in this one.
        assert [fault for fault in find_faults(owner) if "no partition" not in fault] == []
        owner.execute(
            sql.SQL("create role {} login password {}").format(name, sql.Literal(password))
        )
        try:
            owner.execute(sql.SQL("grant analyst, org_admin to {}").format(name))
            owner.execute(sql.SQL("grant usage on schema raw to {}").format(name))
            owner.execute("insert into access.logins values (%s, %s)", (login, ours))
            with database.connect(user=login, password=password, autocommit=True) as reader:
                query = "select organization_id from raw.users"
                assert reader.execute(query).fetchall() == [(ours,)]
                reader.execute(f"set app.current_organization = '{theirs}'")
                assert reader.execute(query).fetchall() == []
                reader.execute(f"set app.current_organization = '{ours}'")
                assert reader.execute(query).fetchall() == [(ours,)]
        finally:
            owner.execute(sql.SQL("drop owned by {0}; drop role {0}").format(name))
