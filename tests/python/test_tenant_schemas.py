"""Two tenants in schemas of their own, beside those of all organizations in one database."""

import contextlib
import dataclasses
import json
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from support.events import execution, uuid_of
from support.stories import (
    ROWS,
    Project,
    Seeds,
    Story,
    copy_of,
    price,
    sample_lines,
    tables_of,
)

from orchestration.access.roles import apply_roles, find_faults
from orchestration.database.embedded import EmbeddedServer
from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]

SMALL = SampleSettings(300, 3, 12, 10, 3)
LAYERS = ("staging", "intermediate", "marts", "documents", "quality", "reference", "snapshots")
RELATIONS = """
select
    namespaces.nspname as schema_name,
    relations.relname as name,
    relations.relkind = 'r' as is_table,
    array(
        select attname::text from pg_attribute
        where attrelid = relations.oid and attnum > 0 and not attisdropped
    ) as columns,
    exists (
        select from pg_constraint
        where conrelid = relations.oid and conname = 'rows_are_of_the_tenant'
    ) as is_kept
from pg_class as relations
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
where namespaces.nspname = any(%s) and relations.relkind in ('r', 'v')
order by 1, 2
"""
HISTORY = ("invocation_id", "corrected_at", "correction_id", "last_built_at")
"""Columns of marts that tell which build wrote a row, and when."""


@dataclasses.dataclass(frozen=True)
class Tenant:
    """A tenant of the warehouse.

    Attributes:
        name: The prefix of its schemas.
        organizations: Whose rows they hold.
    """

    name: str
    organizations: tuple[str, ...]

    @contextlib.contextmanager
    def target(self) -> Iterator[None]:
        """Let dbt build for it."""
        variables = {
            "DBT_TARGET": "tenant",
            "WAREHOUSE_TENANT": self.name,
            "WAREHOUSE_ORGANIZATIONS": ", ".join(self.organizations),
            # Of no account to this target; it tells the folders of dbt apart.
            "WAREHOUSE_SCHEMA": self.name,
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            yield

    def build(self, story: Story, *selection: str, **options: Any) -> None:
        """Build its schemas; `options` as of the story."""
        with self.target():
            dataclasses.replace(story, stands=None).build(*selection, **options)

    def refusal(self, story: Story) -> str:
        """Return why dbt refuses to build its schemas."""
        with pytest.raises(AssertionError) as error:
            self.build(story, "model_aliases")
        return " ".join(str(error.value).split())

    def schemas(self) -> tuple[str, ...]:
        return tuple(f"{self.name}_{layer}" for layer in LAYERS)


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """A warehouse of three organizations, one of a tenant, two of another.

    Attributes:
        story: The warehouse.
        acme: The tenant with one organization.
        globex: The one with two.
        password: That of logins.
    """

    story: Story
    acme: Tenant
    globex: Tenant
    password: str = dataclasses.field(default_factory=lambda: secrets.token_urlsafe(12))

    def connect(self, **options: str) -> psycopg.Connection:
        return self.story.database.connect(autocommit=True, options="-c timezone=UTC", **options)

    @contextlib.contextmanager
    def login(self, role: str, organization_id: str) -> Iterator[psycopg.Connection]:
        """Connect as a new login in a role that may speak for an organization."""
        name = sql.Identifier("neighbour")
        with self.connect() as owner:
            owner.execute(
                sql.SQL("create role {} login in role {} password {}").format(
                    name, sql.Identifier(role), sql.Literal(self.password)
                )
            )
            try:
                owner.execute(
                    "insert into access.logins (login, organization_id) values ('neighbour', %s)",
                    (organization_id,),
                )
                with self.connect(user="neighbour", password=self.password) as connection:
                    connection.execute(
                        "select set_config('app.current_organization', %s, false)",
                        (organization_id,),
                    )
                    yield connection
            finally:
                owner.execute("delete from access.logins where login = 'neighbour'")
                owner.execute(sql.SQL("drop role {}").format(name))


def organization_of(line: bytes) -> str:
    event = json.loads(line)
    return str(event["id"] if event["event"] == "organization" else event["organization_id"])


def relations(connection: psycopg.Connection, *schemas: str) -> list[dict[str, Any]]:
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    return cursor.execute(RELATIONS.encode(), (list(schemas),)).fetchall()


def rows_of(
    connection: psycopg.Connection, schema: str, name: str, organizations: Iterable[str] = ()
) -> Counter[str]:
    """Return the rows of a relation without their history, those of organizations or of none."""
    wanted: sql.Composable = sql.SQL("true")
    if organizations:
        wanted = sql.SQL("organization_id is null or organization_id = any({}::uuid[])").format(
            sql.Literal(list(organizations))
        )
    statement = sql.SQL("select (to_jsonb(t) - {}::text[])::text from {} as t where {}").format(
        sql.Literal(list(HISTORY)), sql.Identifier(schema, name), wanted
    )
    return Counter(text for (text,) in connection.execute(statement))


def fingerprints(connection: psycopg.Connection, *schemas: str) -> dict[str, Any]:
    """Return which files and which versions of rows each table of schemas consists of."""
    return {
        f"{schema}.{name}": connection.execute(
            sql.SQL(
                "select pg_relation_filenode({}::regclass), "
                "md5(string_agg(xmin::text || ctid::text, ',' order by ctid)) from {}"
            ).format(sql.Literal(f"{schema}.{name}"), sql.Identifier(schema, name))
        ).fetchone()
        for schema in schemas
        for name in tables_of(connection, schema)
    }


@pytest.fixture(scope="module")
def neighbours(
    project: Project,
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Neighbours]:
    """Yield a warehouse that was built for all and for both tenants after each of two loads."""
    lines = sample_lines(SMALL)
    ids = sorted({organization_of(line) for line in lines})
    # Written in whatever way a uuid is written.
    acme, globex = Tenant("acme", (ids[0].upper(),)), Tenant("globex", (ids[2], ids[1]))
    prices, retention = (Seeds(project.root / "seeds" / name) for name in ("pricing", "retention"))
    folder = tmp_path_factory.mktemp("tenants")
    try:
        prices.add(
            "provider_pricing",
            *(price("anthropic", f"of {owner}", organization_id=owner) for owner in ids),
        )
        retention.write(
            "raw_retention", [{"organization_id": owner, "raw_days": "99"} for owner in ids]
        )
        with copy_of(built_on_nothing(embedded_server), embedded_server, folder) as story:
            with story.database.connect(autocommit=True) as owner:
                apply_roles(owner)
            for part, with_tests in ((lines[::2], False), (lines[1::2], True)):
                story.land_lines(part)
                story.build()
                for tenant in (acme, globex):
                    tenant.build(story, with_tests=with_tests)
            yield Neighbours(story, acme, globex)
    finally:
        prices.restore()
        retention.restore()


def test_a_tenant_has_the_rows_of_its_organizations_as_the_shared_schemas_have_them(
    neighbours: Neighbours,
) -> None:
    with neighbours.connect() as connection:
        shared = relations(connection, "marts", "documents")
        owned = [row for row in shared if "organization_id" in row["columns"]]
        filled = Counter[str]()
        for tenant in (neighbours.acme, neighbours.globex):
            for schema, name in ((row["schema_name"], row["name"]) for row in owned):
                expected = rows_of(connection, schema, name, tenant.organizations)
                assert rows_of(connection, f"{tenant.name}_{schema}", name) == expected, name
                filled[tenant.name] += bool(expected)
        assert len(owned) > 40
        assert min(filled.values()) > 30
        # Between them, the tenants have everything, also what is of no organization.
        for name in ("provider_days", "provider_months"):
            totals = {
                schema: connection.execute(
                    sql.SQL(
                        "select provider, model, task_type, sum(total_tasks), sum(total_spend_usd) "
                        "from {} group by provider, model, task_type"
                    ).format(sql.Identifier(schema, name))
                ).fetchall()
                for schema in ("marts", "acme_marts", "globex_marts")
            }
            added = defaultdict[Any, list[Any]](lambda: [0, 0])
            for row in (*totals["acme_marts"], *totals["globex_marts"]):
                added[row[:3]] = [a + b for a, b in zip(added[row[:3]], row[3:], strict=True)]
            assert added == {row[:3]: list(row[3:]) for row in totals["marts"]} != {}, name


def test_nothing_of_another_organization_is_in_the_schemas_of_a_tenant(
    neighbours: Neighbours,
) -> None:
    acme, globex = neighbours.acme, neighbours.globex
    with neighbours.connect() as connection:
        for tenant, other in ((acme, globex), (globex, acme)):
            foreign = {
                text
                for row in connection.execute(
                    "select organization_id::text, organization_name, user_id::text "
                    "from marts.dim_organizations join marts.dim_users using (organization_id) "
                    "where organization_id = any(%s::uuid[])",
                    (list(other.organizations),),
                )
                for text in row
            }
            assert len(foreign) > 3
            standing = relations(connection, *tenant.schemas())
            assert len(standing) > 120
            for row in standing:
                found = connection.execute(
                    sql.SQL("select t::text from {} as t where t::text ~* %s limit 1").format(
                        sql.Identifier(row["schema_name"], row["name"])
                    ),
                    ("|".join(map(re.escape, sorted(foreign))),),
                ).fetchone()
                assert found is None, (row["schema_name"], row["name"])


def test_the_database_keeps_rows_of_another_organization_out(neighbours: Neighbours) -> None:
    acme, globex = neighbours.acme, neighbours.globex
    with neighbours.connect() as connection:
        standing = relations(connection, *acme.schemas())
        holding = [
            row for row in standing if row["is_table"] and "organization_id" in row["columns"]
        ]
        assert len(holding) > 25
        assert [row["name"] for row in holding if not row["is_kept"]] == []
        with pytest.raises(psycopg.errors.CheckViolation, match="rows_are_of_the_tenant"):
            connection.execute(
                "update acme_marts.fct_task_executions set organization_id = %s",
                (globex.organizations[0],),
            )
        # Nowhere else is it asked.
        everywhere = relations(connection, *LAYERS)
        assert [row["name"] for row in everywhere if row["is_kept"]] == []


def test_who_may_read_an_organization_reads_it_in_the_schemas_of_its_tenant_and_no_others(
    neighbours: Neighbours,
) -> None:
    acme, globex = neighbours.acme, neighbours.globex
    with neighbours.connect() as owner:
        own, foreign = (
            relations(owner, *(f"{tenant.name}_{layer}" for layer in ("marts", "documents")))
            for tenant in (acme, globex)
        )
        for role in ("bi_reader", "org_admin"):
            with neighbours.login(role, acme.organizations[0]) as reader:
                for row in own:
                    place = (row["schema_name"], row["name"])
                    if "organization_id" in row["columns"] or row["name"] == "dim_providers":
                        assert rows_of(reader, *place) == rows_of(owner, *place), (role, place)
                for row in foreign:
                    # A calendar is nobody's, and when something was last built is no secret.
                    if row["name"] not in ("dim_dates", "live_freshness"):
                        place = (row["schema_name"], row["name"])
                        assert rows_of(reader, *place) == Counter(), (role, place)
                assert find_faults(owner) == []
                for schema in ("acme_intermediate", "acme_quality", "globex_staging"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        reader.execute(f"table {schema}.int_prices".encode())


def test_what_is_built_for_a_tenant_changes_nothing_for_others(neighbours: Neighbours) -> None:
    story, acme, globex = neighbours.story, neighbours.acme, neighbours.globex
    others = (*LAYERS, *globex.schemas(), "access")
    with neighbours.connect() as connection:
        before, own = (
            fingerprints(connection, *others),
            rows_of(connection, "acme_marts", "user_days"),
        )
        acme.build(story, ROWS, full_refresh=True)
        assert fingerprints(connection, *others) == before
        assert rows_of(connection, "acme_marts", "user_days") == own

    # Nor does what others land: an id that another organization was the first to use counts for
    # that one where all stand together, and for its tenant where that one stands alone.
    stolen = story.row(
        "select execution_id from fct_task_executions where organization_id = %s limit 1",
        acme.organizations[0],
    )["execution_id"]
    mine = {"organization_id": globex.organizations[0], "user_id": None}
    story.land(execution(1, id=stolen, **mine), execution(2, id=uuid_of(2), **mine))
    story.build("fct_task_executions")
    globex.build(story, "fct_task_executions")
    with neighbours.connect() as connection:
        owners = {
            schema: connection.execute(
                sql.SQL(
                    "select execution_id::text, organization_id::text from {} "
                    "where execution_id = any(%s::uuid[])"
                ).format(sql.Identifier(schema, "fct_task_executions")),
                ([stolen, uuid_of(2)],),
            ).fetchall()
            for schema in ("marts", "acme_marts", "globex_marts")
        }
        first, second = acme.organizations[0].lower(), globex.organizations[0]
        assert {schema: dict(rows) for schema, rows in owners.items()} == {
            "marts": {stolen: first, uuid_of(2): second},
            "acme_marts": {stolen: first},
            "globex_marts": {stolen: second, uuid_of(2): second},
        }
        # The load has nothing of acme, for which nothing waits.
        waiting = connection.execute("select count(*) from acme_intermediate.int_arrived_loads")
        assert waiting.fetchone() == (0,)


@pytest.mark.parametrize(
    ("name", "organizations", "reason"),
    [
        ("public", uuid_of(1), "WAREHOUSE_TENANT: 'public' is no name for a tenant's schemas"),
        ('x"; drop schema marts; --', uuid_of(1), "is no name for a tenant's schemas: a to z"),
        ("initech", f"{uuid_of(1)},') or true --", "ORGANIZATIONS: '') or true --' is not a UUID"),
        ("initech", uuid_of(1), f"WAREHOUSE_ORGANIZATIONS: nothing has landed of {uuid_of(1)}."),
    ],
)
def test_a_wrong_tenant_is_refused(
    neighbours: Neighbours, name: str, organizations: str, reason: str
) -> None:
    story = neighbours.story
    assert reason in Tenant(name, (organizations,)).refusal(story)
    assert story.rows(
        "select from pg_class where relnamespace = any(array(select oid from pg_namespace "
        "where nspname ~ '^initech_'))"
    ) == []  # fmt: skip


def test_schemas_stay_with_their_organizations(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    story, acme, globex = neighbours.story, neighbours.acme, neighbours.globex
    wider = Tenant("acme", (*acme.organizations, *globex.organizations))
    kept = "acme_marts and those beside it hold rows of these organizations only: "
    assert f"{kept}{acme.organizations[0].lower()}." in wider.refusal(story)
    # A copy of all organizations does not go where a tenant is, nor the other way round.
    monkeypatch.setenv("WAREHOUSE_SCHEMA", "acme")
    with pytest.raises(AssertionError, match="hold rows of these organizations only"):
        story.build("model_aliases")
    with neighbours.connect() as connection:
        connection.execute("comment on schema globex_marts is null")
    assert "globex_marts and those beside it hold rows of all organizations." in globex.refusal(
        story
    )
