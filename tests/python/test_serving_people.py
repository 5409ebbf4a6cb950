"""People get their own data over REST and ask to be erased; retention carries that out."""

import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner
from support.events import adjustment, execution, organization, user, uuid_of
from support.servers import STORY_DATABASE
from support.serving import LOGIN, PASSWORD, Served, org_admin, serving, token_header
from support.stories import Story, copy_of, environment_of, keep_as

from orchestration.access.roles import apply_roles
from orchestration.buckets import folder_at
from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.errors import WarehouseError
from orchestration.privacy import requests
from orchestration.serving.principal import Principal

pytest_plugins = ["support.stories"]

# Nothing is old enough to be sealed then.
NOW = "2026-03-05T00:00:00+0000"
OURS, THEIRS = uuid_of(50), uuid_of(60)
ADA, BO, CY, SHARED = (f"abcdef0{number}-2345-4678-9abc-def012345678" for number in range(4))
NAME = "Ada Quellenreuther"
MARTS = ("dim_users", "dim_user_versions", "fct_task_executions", "fct_adjustments", "user_days")


@pytest.fixture(scope="module")
def kept(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Return two organizations with people, one of whom both know, for copies."""
    members = [(OURS, ADA), (OURS, BO), (OURS, SHARED), (THEIRS, SHARED), (THEIRS, CY)]
    events: list[dict[str, Any]] = [organization(1, id=OURS), organization(2, id=THEIRS)]
    for number, (organization_id, user_id) in enumerate(members):
        of: dict[str, Any] = {"organization_id": organization_id, "user_id": user_id}
        name = NAME if user_id == ADA else f"Name {number}"
        events += [
            user(number, id=user_id, organization_id=organization_id, name=name),
            *(execution(10 * number + each, **of) for each in range(1, 4)),
            adjustment(number, **of),
        ]
    nothing = built_on_nothing(embedded_server)
    with copy_of(nothing, embedded_server, tmp_path_factory.mktemp("people")) as story:
        story.land(*events)
        story.build()
        return keep_as(story, embedded_server, f"{STORY_DATABASE}_people")


@pytest.fixture
def people(kept: Story, embedded_server: EmbeddedServer, tmp_path: Path) -> Iterator[Story]:
    """Yield a copy, to go on with."""
    with copy_of(kept, embedded_server, tmp_path) as made:
        yield made


def developer(organization_id: str, user_id: str) -> Principal:
    return Principal("developer", UUID(organization_id), UUID(user_id))


def delete(served: Served, principal: Principal | None, **parameters: Any) -> Any:
    return served.client.delete(
        "/api/v1/user/data", params=parameters, headers=token_header(principal)
    )


def retention(story: Story) -> str:
    with environment_of(story.database):
        result = CliRunner().invoke(
            main, ["retention", "--archive", str(story.folder / "archive"), "--now", NOW]
        )
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def listed(story: Story) -> str:
    with environment_of(story.database):
        result = CliRunner().invoke(main, ["privacy", "requests"])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def recorded(story: Story, action: str) -> list[tuple[Any, ...]]:
    return [
        (row["resource_id"], row["user_id"], row["is_denied"], row["login"] == LOGIN)
        for row in story.rows(
            "select * from audit.audit_log where action = %s order by created_at", action
        )
    ]


def test_everybody_gets_the_own_rows_and_nobody_elses(people: Story) -> None:
    expected = {
        mart: people.rows(
            f"select * from marts.{mart} where organization_id = %s and user_id = %s",  # noqa: S608
            OURS,
            ADA,
        )
        for mart in MARTS
    }
    assert {mart: len(rows) for mart, rows in expected.items()} == dict(
        zip(MARTS, (1, 1, 3, 1, 1), strict=True)
    )
    both = Principal("org_admin", UUID(OURS), UUID(ADA))
    with serving(people.database) as served:
        for principal in (developer(OURS, ADA), both):
            response = served.get("user/data/export", principal)
            assert response.headers["cache-control"] == "no-store"
            assert "user_data.json" in response.headers["content-disposition"]
            found = json.loads(response.text, parse_float=Decimal)
            assert {mart: len(found[mart]) for mart in MARTS} == {
                mart: len(rows) for mart, rows in expected.items()
            }
            assert (found["organization_id"], found["user_id"]) == (OURS, ADA)
            costs = {row["execution_id"]: row["cost_usd"] for row in found["fct_task_executions"]}
            for row in expected["fct_task_executions"]:
                assert Decimal(costs[row["execution_id"]]) == row["cost_usd"]
            for text in (THEIRS, BO, CY, SHARED):
                assert text not in response.text
            assert NAME in response.text
        response = served.get("user/data/export", both, format="csv")
        assert response.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            assert archive.namelist() == [f"{mart}.csv" for mart in MARTS]
            for mart, rows in expected.items():
                read = csv.DictReader(io.StringIO(archive.read(f"{mart}.csv").decode()))
                written = list(read)
                assert [set(row) for row in written] == [set(row) for row in rows]
                assert all(row["user_id"] == ADA for row in written)

        # A program has no data of its own; another organization is nobody's but its own.
        assert served.get("user/data/export", org_admin(OURS)).status_code == 403
        assert (
            served.get("user/data/export", developer(OURS, ADA), organization_id=THEIRS).status_code
            == 403
        )
        assert served.get("user/data/export", None).status_code == 401
        for _ in range(2):
            assert served.get("user/data/export", developer(OURS, BO)).status_code == 200
        response = served.get("user/data/export", developer(OURS, BO))
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) > 3000
        # Of its own hour.
        assert served.get("user/data/export", developer(THEIRS, CY)).status_code == 200
    path = "/api/v1/user/data/export"
    assert recorded(people, "export_data") == [
        (path, ADA, False, True),
        (path, ADA, False, True),
        (path, ADA, False, True),
        (path, None, True, True),
        (path, ADA, True, True),
        (path, BO, False, True),
        (path, BO, False, True),
        (path, BO, True, True),
        (path, CY, False, True),
    ]


def test_who_asks_to_be_erased_is_erased_by_retention(people: Story) -> None:
    sums = "select sum(cost_usd) as cost_usd, count(*) as tasks from marts.fct_task_executions"
    before = people.row(sums)
    with serving(people.database) as served:
        response = delete(served, developer(OURS, ADA))
        assert response.status_code == 202
        asked = response.json()
        assert asked["user_id"] == ADA
        latest = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)
        assert dt.date.fromisoformat(asked["carry_out_by"]) in (
            latest, latest - dt.timedelta(days=1)
        )  # fmt: skip
        assert delete(served, developer(OURS, ADA)).json() == asked
        assert delete(served, org_admin(OURS), user_id=ADA).json() == asked
        # What the application asked for, it has not done.
        assert served.get("executions", developer(OURS, ADA), start_date="2026-01-01").json()[
            "executions"
        ]
        assert served.get("user/data/export", developer(OURS, ADA)).status_code == 200

        for principal, parameters, status in (
            (developer(OURS, ADA), {"user_id": BO}, 403),
            (Principal("team_lead", UUID(OURS), UUID(ADA)), {"user_id": BO}, 403),
            (Principal("analyst", None, None), {"organization_id": OURS, "user_id": BO}, 403),
            (org_admin(OURS), {}, 400),
            (org_admin(OURS), {"user_id": CY}, 404),
            (org_admin(OURS), {"user_id": uuid_of(99)}, 404),
            (org_admin(OURS), {"organization_id": THEIRS, "user_id": CY}, 403),
            (None, {}, 401),
        ):
            assert delete(served, principal, **parameters).status_code == status
        assert delete(served, org_admin(OURS), user_id=SHARED).status_code == 202
        denials = [row for row in recorded(people, "delete_data") if row[2]]
        assert len(denials) == 6
        waiting = listed(people).splitlines()
        assert len(waiting) == 2
        assert waiting[0].startswith(f"{ADA} of {OURS}: asked for on ")
        assert "another organization knows the person" in waiting[1]

        told = retention(people)
        assert "Requests to erase somebody: 1 carried out, 1 left." in told
        assert ADA not in told
        assert people.row(sums) == before
        (row,) = people.rows(
            "select * from ledger.erasure_requests where carried_out_at is not null"
        )
        assert (row["request_id"], row["user_id"] == ADA) == (asked["request_id"], False)
        assert row["requested_by"] == LOGIN
        for mart in MARTS:
            held = people.rows(f"select * from marts.{mart} where user_id = %s", ADA)  # noqa: S608
            assert held == []
        assert not people.rows("select 1 from raw.users where name = %s", NAME)
        assert not people.rows("select 1 from audit.audit_log where user_id = %s", ADA)
        # The application keeps no answer from before.
        assert served.get("user/data/export", developer(OURS, ADA)).json()["dim_users"] == []
        assert people.rows("select 1 from marts.dim_users where user_id = %s", SHARED)

    # The one who was left was erased by hand since: nothing is left to do.
    with environment_of(people.database):
        erased = CliRunner().invoke(
            main,
            ["privacy", "erase", "--user", SHARED, "--archive", str(people.folder / "archive")],
        )
    assert erased.exit_code == 0, erased.output
    assert "1 carried out, 0 left" in retention(people)
    assert listed(people) == "Nobody who asked to be erased waits.\n"
    assert "Requests" not in retention(people)
    done = [row for row in recorded(people, "delete_data") if not row[3]]
    assert len(done) == 2, "each erasure is recorded once"


def test_the_login_of_the_application_may_ask_and_nothing_else(
    people: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(people.database) as served:
        delete(served, developer(OURS, BO))
    speak = (
        "select set_config('role', %s, true), set_config('app.current_organization', %s, true), "
    )
    speak += "set_config('app.current_user', %s, true)"
    ask = "insert into ledger.erasure_requests (organization_id, user_id) values (%s, %s)"

    def tries(role: str, statement: str, *parameters: Any) -> int:
        with (
            people.database.connect(user=LOGIN, password=PASSWORD) as connection,
            connection.transaction(force_rollback=True),
        ):
            connection.execute(speak, (role, OURS, ADA))
            return connection.execute(statement.encode(), parameters).rowcount

    assert tries("developer", ask, OURS, ADA) == 1
    assert tries("org_admin", ask, OURS, SHARED) == 1
    assert tries("org_admin", "select * from ledger.erasure_requests") == 1
    assert tries("developer", "select * from ledger.erasure_requests") == 0
    for role, statement, parameters in (
        ("developer", ask, (OURS, BO)),
        ("developer", ask, (THEIRS, ADA)),
        ("org_admin", ask, (THEIRS, CY)),
        ("team_lead", ask, (OURS, ADA)),
        ("analyst", ask, (OURS, ADA)),
        ("none", ask, (OURS, ADA)),
        ("org_admin", "update ledger.erasure_requests set carried_out_at = now()", ()),
        ("developer", "delete from ledger.erasure_requests", ()),
        (
            "developer",
            "insert into ledger.erasure_requests (organization_id, user_id, requested_by) "
            "values (%s, %s, 'somebody')",
            (OURS, ADA),
        ),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tries(role, statement, *parameters)

    # Nor does a login that builds erase: it says who does.
    with people.database.connect() as connection:
        apply_roles(connection)
    with environment_of(people.database), monkeypatch.context() as patched:
        patched.setenv("PGOPTIONS", "-c role=builder")
        with pytest.raises(WarehouseError, match="as the owner of the database"):
            requests.carry_out(folder_at(str(tmp_path)), print)
    assert people.rows("select * from ledger.erasures") == []
