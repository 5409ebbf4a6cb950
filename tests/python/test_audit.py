"""Deeds are recorded with the deed, refusals beside it, and nobody changes what is recorded."""

import datetime as dt
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from support.events import execution, organization, user, uuid_of
from support.servers import Database
from support.stories import NOW, ROWS, Seeds, Story, environment_of, price

from orchestration.access.roles import apply_roles
from orchestration.audit.months import remove_months
from orchestration.audit.record import record
from orchestration.cli import main

pytest_plugins = ["support.stories"]

OURS, THEIRS = UUID(uuid_of(501)), UUID(uuid_of(502))
PERSON, PERSON_NAME = uuid_of(503), "Ada Quellenreuther"


def warehouse(database: Database, *arguments: str) -> Result:
    with environment_of(database):
        return CliRunner().invoke(main, list(arguments))


def deeds(*options: str) -> list[dict[str, Any]]:
    """Return what `warehouse audit` shows, the earliest first."""
    result = CliRunner().invoke(main, ["audit", "--json", "--limit", "1000", *options])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in reversed(result.stdout.splitlines())]


def recorded(story: Story, action: str) -> list[dict[str, Any]]:
    with environment_of(story.database):
        return deeds("--action", action)


@pytest.fixture
def login(database: Database, tmp_path: Path) -> Iterator[Database]:
    """Yield the database as a login sees it that is in no role and may speak for nobody."""
    name, password = f"clerk_{database.settings.dbname}", secrets.token_urlsafe(12)
    with database.connect(autocommit=True) as owner:
        apply_roles(owner)
        owner.execute(
            sql.SQL("create role {} login password {}").format(
                sql.Identifier(name), sql.Literal(password)
            )
        )
        try:
            yield database.as_login(name, password, tmp_path)
        finally:
            owner.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(name)))


def joins(database: Database, login: Database, role: str, organization_id: UUID | None) -> None:
    """Put the login into a role, without recording it."""
    with database.connect(autocommit=True) as owner:
        name = sql.Identifier(login.settings.user)
        owner.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), name))
        if organization_id:
            owner.execute(
                "insert into access.logins values (%s, %s)", (login.settings.user, organization_id)
            )


CHANGES = (
    "update audit.audit_log set action = 'nothing'",
    "update audit.audit_log set details = null",
    "delete from audit.audit_log",
    "truncate audit.audit_log",
    "delete from {month}",
    "truncate {month}",
    "update {month} set login = 'somebody'",
    "set app.is_erasing = 'true'; update audit.audit_log set login = 'somebody'",
    "set app.is_erasing = 'true'; update audit.audit_log set is_denied = not is_denied",
    "set app.is_erasing = 'true'; delete from audit.audit_log",
)


def test_what_is_recorded_nobody_changes_not_even_who_builds_or_owns(
    database: Database, login: Database
) -> None:
    joins(database, login, "builder", None)
    month = f"audit.audit_log_y{dt.datetime.now(dt.UTC):%Ym%m}"
    with database.connect(autocommit=True) as owner, login.connect(autocommit=True) as builder:
        for connection in (owner, builder):
            record(connection, "seal", "organization", OURS, organization_id=OURS, days=3)
        rows = owner.execute("select * from audit.audit_log order by id").fetchall()
        assert len(rows) == 3  # with the roles that were applied
        for statement in CHANGES:
            for connection in (owner, builder):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.format(month=month).encode())
        for statement in (
            "alter table audit.audit_log disable trigger all",
            f"drop table {month}",
            "select audit.make_months(30)",
            "create or replace function audit.refuse_change() returns trigger language plpgsql "
            "as 'begin return old; end'",
            "select * from audit.audit_log",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                builder.execute(statement.encode())
        assert owner.execute("select * from audit.audit_log order by id").fetchall() == rows


def test_a_login_records_of_itself_alone_and_reads_nothing(
    database: Database, login: Database
) -> None:
    with login.connect(autocommit=True) as clerk:
        record(clerk, "run_command", "command", "explain", is_denied=True)
        for statement in (
            f"select audit.record('explain', organization_id => '{THEIRS}')",
            f"select audit.record('explain', user_id => '{PERSON}')",
            "insert into audit.audit_log (action, login) values ('explain', 'postgres')",
            "insert into audit.audit_log (action, created_at) values ('explain', now())",
            "insert into audit.audit_log (action, id) values ('explain', gen_random_uuid())",
            "insert into audit.audit_log (action) values ('explain') returning action",
            "select * from audit.audit_log",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                clerk.execute(statement.encode())
    joins(database, login, "org_admin", OURS)
    with login.connect(autocommit=True, application_name="curious") as clerk:
        clerk.execute(f"set app.current_organization = '{OURS}'")
        record(clerk, "explain", "execution", uuid_of(9))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            record(clerk, "explain", organization_id=THEIRS)
        # Its own organization's, and of that nothing that concerns others or nobody.
        seen = clerk.execute("select action, organization_id from audit.audit_log").fetchall()
        assert seen == [("explain", OURS)]
    with environment_of(database):
        found = deeds()
    assert [
        (deed["login"], deed["action"], deed["organization_id"], deed["is_denied"])
        for deed in found
    ] == [
        (database.settings.user, "change_roles", None, False),
        (login.settings.user, "run_command", None, True),
        (login.settings.user, "explain", str(OURS), False),
    ]
    assert found[2]["ip_address"] in ("127.0.0.1", "::1")
    assert found[2]["user_agent"] == "curious"


def test_a_refused_command_is_recorded_and_a_failed_deed_is_not(
    database: Database, login: Database
) -> None:
    subject = str(uuid_of(77))
    for arguments in (
        ("explain", subject),
        ("privacy", "export", "--user", subject, "--out", "nowhere"),
        ("roles", "apply"),
        ("roles", "withdraw", "somebody"),
    ):
        result = warehouse(login, *arguments)
        assert result.exit_code == 1
        assert "SQLSTATE 42501" in result.output, result.output
        assert "Traceback" not in result.output
    failed = warehouse(
        database, "roles", "allow", login.settings.user, "--role", "analyst",
        "--organization", subject,
    )  # fmt: skip
    assert failed.exit_code == 1
    with environment_of(database):
        assert [deed["resource_id"] for deed in deeds("--denied")] == [
            f"explain {subject}",
            "privacy export",
            "roles apply",
            "roles withdraw somebody",
        ]
        assert {deed["login"] for deed in deeds("--denied")} == {login.settings.user}
        assert not [deed for deed in deeds() if deed["resource_id"] == login.settings.user]


def test_months_are_made_ahead_and_old_ones_leave(database: Database, login: Database) -> None:
    joins(database, login, "builder", None)
    now = dt.datetime.now(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    def months() -> list[str]:
        with database.connect() as connection:
            rows = connection.execute(
                "select relid::text from pg_partition_tree('audit.audit_log') where isleaf"
            ).fetchall()
        return sorted(str(name).removeprefix("audit.audit_log_y") for (name,) in rows)

    made = months()
    assert len(made) == 13
    with database.connect(autocommit=True) as owner:
        old = "create table audit.audit_log_y2024m0{0} partition of audit.audit_log for values "
        for month in (2, 3):
            owner.execute(
                f"{old.format(month)} from ('2024-0{month}-01 UTC') to ('2024-0{month + 1}-01 UTC')"
                .encode()
            )  # fmt: skip
        owner.execute(
            "insert into audit.audit_log (action, created_at) values "
            "('seal', '2024-02-29 12:00 UTC'), ('seal', '2024-03-01 00:00 UTC')"
        )
        with login.connect(autocommit=True) as builder:
            assert remove_months(builder, now) is None
        march = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
        assert remove_months(owner, march) == ["2024-02"]
        assert remove_months(owner, march) == []
        assert months() == ["2024m03", *made]

        # A month that nobody has made: the owner makes it, others are told.
        for name in made[:2]:
            owner.execute(f"drop table audit.audit_log_y{name}".encode())
        with (
            login.connect(autocommit=True) as builder,
            pytest.raises(psycopg.errors.CheckViolation),
        ):
            record(builder, "seal")
        assert "no partition" in warehouse(database, "roles", "check").output
        assert warehouse(database, "roles", "apply").exit_code == 0
        with login.connect(autocommit=True) as builder:
            record(builder, "seal")
    assert months() == ["2024m03", *made]
    with environment_of(database):
        actions = [deed["action"] for deed in deeds()]
        assert deeds("--since", "2024-03-02") == deeds()[1:]
    assert actions == ["seal", "change_roles", "seal"]


def test_whoever_changes_or_reads_data_is_recorded(story: Story, tmp_path: Path) -> None:
    seeds = Seeds(story.project.prices)
    ours, person = str(OURS), PERSON
    old = {"organization_id": ours, "user_id": person, "provider": "anthropic", "model": "own"}
    story.land(
        organization(id=ours),
        user(503, organization_id=ours, name=PERSON_NAME),
        *(
            execution(510 + number, **old, start_time=f"2026-0{6 + number}-10T10:00:00Z",
                      end_time=f"2026-0{6 + number}-10T10:01:00Z")
            for number in range(3)
        ),
    )  # fmt: skip
    try:
        seeds.add("provider_pricing", price("anthropic", "own", organization_id=ours))
        story.build()
        assert recorded(story, "correct_prices") == []
        corrected = [
            row | {"output_usd_per_mtok": "14", "recorded_at": "2026-11-28T02:00:00Z"}
            for row in seeds.read("provider_pricing")
            if row["model"] == "own"
        ]
        seeds.add("provider_pricing", *corrected)
        story.build()
    finally:
        seeds.restore()
    (corrections,) = story.rows(
        "select organization_id, count(*) as executions, sum(old_cost_usd) as old, "
        "sum(new_cost_usd) as new from marts.fct_cost_corrections where reason like '%%price%%' "
        "group by organization_id"
    )
    assert corrections["executions"] == 3
    assert corrections["old"] > corrections["new"]
    (deed,) = recorded(story, "correct_prices")
    details = deed["details"]
    assert (deed["organization_id"], details["executions"]) == (ours, 3)
    assert f"{corrections['new']:f}" == f"{details['new_cost_usd']:.12f}"

    story.build(ROWS, full_refresh=True)
    (deed,) = recorded(story, "rebuild")
    assert (deed["details"]["full_refresh"], deed["user_agent"]) == (True, "dbt")

    archive = str(tmp_path / "archive")
    result = warehouse(story.database, "retention", "--now", NOW, "--archive", archive)
    assert result.exit_code == 0, result.output
    (deed,) = recorded(story, "seal")
    # July by UTC; the organization's 1 August had begun then, and is sealed whole.
    assert (deed["organization_id"], deed["details"]) == (ours, {"sealed_until": "2026-08-02"})
    removed = recorded(story, "remove_data")
    assert [deed["details"]["executions"] for deed in removed] == [2]

    explained = str(uuid_of(512))
    assert warehouse(story.database, "explain", explained).exit_code == 0
    asked = ("explain", "--organization", ours, "--period", "2026-08", "--user", person)
    assert warehouse(story.database, *asked).exit_code == 0
    execution_deed, total = recorded(story, "explain")
    assert (execution_deed["resource_id"], execution_deed["organization_id"]) == (explained, ours)
    assert (total["resource_id"], total["details"]["of_user_id"]) == ("2026-08", person)

    out = str(tmp_path / "held")
    options = ("--user", person, "--archive", archive)
    assert warehouse(story.database, "privacy", "export", *options, "--out", out).exit_code == 0
    (deed,) = recorded(story, "export_data")
    assert (deed["resource_type"], deed["resource_id"]) == ("user", person)

    result = warehouse(story.database, "privacy", "erase", *options)
    assert result.exit_code == 0, result.output
    (deed,) = recorded(story, "delete_data")
    pseudonym = deed["resource_id"]
    assert recorded(story, "export_data")[0]["resource_id"] == pseudonym
    assert recorded(story, "explain")[1]["details"]["of_user_id"] == pseudonym
    with environment_of(story.database):
        text = json.dumps(deeds())
    assert person not in text
    assert PERSON_NAME not in text
