"""Who is let in, how much may be asked, what is recorded, and what a wrong request is told."""

import base64
import datetime as dt
import gzip
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import jwt
import psycopg
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi.testclient import TestClient
from support.events import (
    ORGANIZATION_ID,
    USER_ID,
    execution,
    organization,
    user,
    uuid_of,
)
from support.serving import KEYS, LOGIN, Served, org_admin, serving, settings_for, token_header
from support.stories import ROWS, Story, environment_of

from orchestration.cli import main
from orchestration.errors import WarehouseError
from orchestration.serving.api.requests import COOKIE
from orchestration.serving.app import create_app
from orchestration.serving.principal import AUDIENCE, Keys, Principal, TokenError
from orchestration.serving.problems import DOWN
from orchestration.serving.settings import Settings, refuse_unfit_login

pytest_plugins = ["support.stories"]

OTHER = uuid_of(77)
PATH = "analytics/savings/summary"
MINE = org_admin(ORGANIZATION_ID)
RANGE = {"start_date": "2026-03-01", "end_date": "2026-03-31"}


@pytest.fixture(scope="module")
def served(small_story: Story) -> Iterator[Served]:
    with serving(small_story.database) as found:
        yield found


@pytest.fixture(scope="module")
def small_story(
    embedded_server: Any, built_on_nothing: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    from support.stories import copy_of

    folder = tmp_path_factory.mktemp("serving")
    with copy_of(built_on_nothing(embedded_server), embedded_server, folder) as story:
        story.land(
            organization(),
            organization(id=OTHER, event_id=uuid_of(501), name="Another"),
            user(),
            execution(1),
            execution(2, organization_id=OTHER, user_id=uuid_of(9)),
        )
        story.build(ROWS)
        yield story


def claims(**changes: Any) -> dict[str, Any]:
    """Return claims that are accepted, with changes; `exp` and `nbf` in seconds from now on."""
    given: dict[str, Any] = {
        "sub": USER_ID,
        "role": "org_admin",
        "organization_id": ORGANIZATION_ID,
        "aud": AUDIENCE,
        "exp": 600,
    } | changes
    now = int(time.time())
    given |= {name: now + given[name] for name in ("exp", "nbf") if given.get(name) is not None}
    return {name: value for name, value in given.items() if value is not None}


def signed(key: Any = KEYS.secret, algorithm: str = "HS256", **changes: Any) -> str:
    headers = changes.pop("headers", None)
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def with_token(served: Served, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return served.client.get(f"/api/v1/{PATH}", params=RANGE, headers=headers)


def audited(story: Story) -> list[dict[str, Any]]:
    return story.rows(
        "select action, resource_type, resource_id, organization_id, user_id, is_denied, details, "
        "login, user_agent from audit.audit_log where resource_type = 'api' order by created_at"
    )


def test_a_valid_token_is_answered(served: Served) -> None:
    answer = with_token(served, signed())
    assert answer.status_code == 200
    assert answer.json()["total_tasks"] == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": -31}, "expired"),
        ({"exp": None}, "not valid"),
        ({"aud": "another"}, "not valid"),
        ({"aud": None}, "not valid"),
        ({"sub": None}, "not valid"),
        ({"nbf": 600}, "not valid"),
        ({"role": None}, "no role"),
        ({"role": "postgres"}, "no role"),
        ({"role": "builder"}, "no role"),
        ({"role": ["org_admin"]}, "no role"),
        ({"role": "org_admin; reset role"}, "no role"),
        ({"organization_id": None}, "no organization"),
        ({"organization_id": "' or true --"}, "no organization"),
        ({"role": "developer", "sub": "ada"}, "no user"),
        ({"key": "x" * 40}, "not valid"),
        ({"key": None, "algorithm": "none"}, "not accepted"),
        ({"algorithm": "HS512"}, "not accepted"),
    ],
)
def test_a_token_that_says_too_little_or_is_forged_is_refused(
    served: Served, changes: dict[str, Any], reason: str
) -> None:
    answer = with_token(served, signed(**changes))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "é", signed()[:-3] + "xyz", signed().replace(".", "")]
)
def test_what_is_no_token_is_refused(served: Served, token: str) -> None:
    headers = {b"Authorization": b"Bearer " + token.encode()}
    answer = served.client.get(f"/api/v1/{PATH}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_clocks_may_differ_by_half_a_minute(served: Served) -> None:
    assert with_token(served, signed(exp=-15)).status_code == 200
    assert with_token(served, signed(nbf=15)).status_code == 200


def test_tokens_of_an_identity_provider_are_known_by_its_public_keys(
    small_story: Story, tmp_path: Path
) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    known = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key())) | {"kid": "one"}
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [known]}), encoding="utf-8")
    kid = {"kid": "one"}
    with serving(small_story.database, keys=Keys(None, str(path))) as served:
        assert with_token(served, signed(private, "RS256", headers=kid)).status_code == 200
        for token in (
            signed(another, "RS256", headers=kid),
            signed(private, "RS256", headers={"kid": "two"}),
            signed(private, "RS256"),
            # The public key, taken for a secret.
            signed(base64.b64encode(json.dumps(known).encode()), "HS256", headers=kid),
        ):
            assert with_token(served, token).status_code == 401


def test_keys_of_an_identity_provider_may_change_and_it_may_be_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    private = {name: rsa.generate_private_key(65537, 2048) for name in ("old", "new")}
    published, asked = ["old"], []

    class Provider(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            keys = [
                json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private[name].public_key()))
                | {"kid": name}
                for name in published
            ]
            self.send_response(200 if published else 500)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": keys}).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    def token(name: str, key_id: str | None = None) -> str:
        return signed(private[name], "RS256", headers={"kid": key_id or name})

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        keys = Keys(None, f"http://127.0.0.1:{server.server_port}/jwks.json")
        assert keys.principal_of(token("old")).role == "org_admin"
        for number in range(50):
            with pytest.raises(TokenError):
                keys.principal_of(token("old", f"made up {number}"))
        assert len(asked) == 1
        published[:] = ["new"]
        monkeypatch.setattr("orchestration.serving.principal._SECONDS_BETWEEN_READS", -1.0)
        assert keys.principal_of(token("new")).role == "org_admin"
        with pytest.raises(TokenError):
            keys.principal_of(token("old"))
        published.clear()
        with pytest.raises(TokenError):
            keys.principal_of(token("old"))
        assert keys.principal_of(token("new")).role == "org_admin"
        server.shutdown()


def test_another_organization_is_refused_and_an_analyst_names_one(served: Served) -> None:
    refused = served.get(PATH, MINE, organization_id=OTHER, **RANGE)
    assert refused.status_code == 403
    analyst = Principal("analyst", None, None)
    assert served.get(PATH, analyst, **RANGE).status_code == 400
    named = served.get(PATH, analyst, organization_id=OTHER, **RANGE)
    assert (named.status_code, named.json()["total_tasks"]) == (200, 1)
    bound = Principal("analyst", UUID(ORGANIZATION_ID), None)
    assert served.get(PATH, bound, organization_id=OTHER, **RANGE).status_code == 403


def test_people_see_their_own_rows(served: Served) -> None:
    mine = Principal("developer", UUID(ORGANIZATION_ID), UUID(USER_ID))
    assert served.get(PATH, mine, **RANGE).json()["total_tasks"] == 1
    somebody = Principal("developer", UUID(ORGANIZATION_ID), UUID(uuid_of(5)))
    answer = served.get(PATH, somebody, **RANGE).json()
    assert (answer["total_tasks"], answer["total_spend"], answer["about"]["priced_share"]) == (
        0, None, None,
    )  # fmt: skip


def test_every_read_is_recorded_before_it_is_answered(served: Served, small_story: Story) -> None:
    before = len(audited(small_story))
    mine = Principal("developer", UUID(ORGANIZATION_ID), UUID(USER_ID))
    served.get(PATH, mine, **RANGE)
    served.get(PATH, mine, **RANGE)  # from the cache
    served.get(PATH, MINE, organization_id=OTHER)
    served.get(PATH, None)
    read, again, refused, unknown = audited(small_story)[before:]
    assert read == again
    assert read == {
        "action": "view_analytics",
        "resource_type": "api",
        "resource_id": f"/api/v1/{PATH}",
        "organization_id": ORGANIZATION_ID,
        "user_id": USER_ID,
        "is_denied": False,
        "details": {
            "role": "developer",
            "query": "start_date=2026-03-01&end_date=2026-03-31",
        },
        "login": LOGIN,
        "user_agent": "testclient",
    }
    assert refused["is_denied"]
    assert refused["organization_id"] == ORGANIZATION_ID
    assert refused["details"]["reason"] == "The token is for another organization."
    assert (unknown["is_denied"], unknown["organization_id"]) == (True, None)


def test_a_login_records_only_whom_it_may_speak_for(small_story: Story) -> None:
    with small_story.database.connect() as connection:
        connection.execute("create role one_tenant")
        connection.execute(
            "insert into access.logins (login, organization_id) values ('one_tenant', %s)",
            (ORGANIZATION_ID,),
        )
        connection.execute("set session authorization one_tenant")
        record = "select audit.record('view_analytics', organization_id => %s, user_id => %s)"
        connection.execute(record, (ORGANIZATION_ID, USER_ID))
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(record, (OTHER, None))
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(record, (None, USER_ID))
        connection.rollback()


def test_a_tenant_asks_as_often_as_is_allowed_and_keeps_nobody_else_from_asking(
    small_story: Story,
) -> None:
    with serving(small_story.database, requests_per_minute=3) as served:
        found = [served.get(PATH, MINE, **RANGE) for _ in range(5)]
        assert [answer.status_code for answer in found] == [200, 200, 200, 429, 429]
        problem = found[-1]
        assert 1 <= int(problem.headers["Retry-After"]) <= 60
        assert "3 requests a minute" in problem.json()["detail"]
        assert served.get(PATH, org_admin(OTHER), **RANGE).status_code == 200
        # Who looks at pages is counted by browser.
        token = KEYS.token_for(MINE, dt.timedelta(minutes=5))
        served.client.cookies.set(COOKIE, token)
        looked = [served.get(PATH, None, **RANGE).status_code for _ in range(4)]
        assert looked == [200, 200, 200, 429]
        served.client.cookies.clear()
        # Guessing tokens is counted by address.
        unknown = [served.get(PATH, None).status_code for _ in range(4)]
        assert unknown == [401, 401, 401, 429]


def test_an_answer_that_has_not_changed_is_not_sent_again(served: Served) -> None:
    answer = served.get(PATH, MINE, **RANGE)
    header = {"If-None-Match": answer.headers["ETag"]}
    token = {"Authorization": answer.request.headers["Authorization"]}
    again = served.client.get(f"/api/v1/{PATH}", params=RANGE, headers=header | token)
    assert (again.status_code, again.content) == (304, b"")
    other = served.get(PATH, MINE, **(RANGE | {"end_date": "2026-03-30"}))
    assert other.headers["ETag"] != answer.headers["ETag"]


def test_a_long_answer_is_compressed(served: Served) -> None:
    long = served.client.get("/api/v1/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert long.headers["Content-Encoding"] == "gzip"
    with served.client.stream(
        "GET", "/api/v1/openapi.json", headers={"Accept-Encoding": "gzip"}
    ) as raw:
        assert json.loads(gzip.decompress(b"".join(raw.iter_raw()))) == long.json()


def test_browsers_are_told_to_show_and_do_nothing_else(served: Served, small_story: Story) -> None:
    for path in (PATH, "nowhere"):
        headers = served.get(path, None).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers
    origin = {"Origin": "https://portal.example"}
    answer = served.client.get("/api/v1/openapi.json", headers=origin)
    assert "Access-Control-Allow-Origin" not in answer.headers
    with serving(small_story.database, cors_origins=("https://portal.example",)) as open_to_one:
        for site, allowed in (("https://portal.example", True), ("https://other.example", False)):
            answer = open_to_one.client.get("/api/v1/openapi.json", headers={"Origin": site})
            assert (answer.headers.get("Access-Control-Allow-Origin") == site) is allowed


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"start_date": "0"}, "YYYY-MM-DD"),
        ({"start_date": "1772323200"}, "YYYY-MM-DD"),
        ({"start_date": "2026-3-1"}, "YYYY-MM-DD"),
        ({"start_date": "01.03.2026"}, "YYYY-MM-DD"),
        ({"start_date": "2026-03-01T00:00:00Z"}, "YYYY-MM-DD"),
        ({"start_date": "2026-02-30"}, "day"),
        ({"start_date": "2026-13-01"}, "month"),
        ({"start_date": "0000-01-01"}, "year"),
        ({"start_date": ""}, "YYYY-MM-DD"),
        ({"start_date": "\u0662026-03-01"}, "YYYY-MM-DD"),
        ({"start_date": "2026-03-02", "end_date": "2026-03-01"}, "is after"),
        ({"end_date": "tomorrow"}, "YYYY-MM-DD"),
        ({"period": "hour"}, "'day', 'week' or 'month'"),
        ({"period": "Day"}, "'day', 'week' or 'month'"),
        ({"period": "day'; drop table x --"}, "'day', 'week' or 'month'"),
        ({"organization_id": "1"}, "UUID"),
        ({"organization_id": f"{ORGANIZATION_ID}' or '1'='1"}, "UUID"),
        ({"organization_id": ""}, "UUID"),
        ({"provider": "x" * 201}, "200 characters"),
        ({"task_type": "x" * 60_000}, "200 characters"),
        ({"provider": "\0"}, "pattern"),
        ({"provder": "openai"}, "not permitted"),
        ({"startDate": "2026-03-01"}, "not permitted"),
        ({"limit": "5"}, "not permitted"),
    ],
)
def test_a_wrong_parameter_is_named(served: Served, parameters: Any, fault: str) -> None:
    answer = served.get(PATH, MINE, **parameters)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (422, "Unprocessable Entity")
    assert fault in problem["detail"]


@pytest.mark.parametrize(
    "provider",
    ["'; drop table marts.x; --", "%", "_", "\\", "openai\n", "null", "é", "{}", "%(x)s"],
)
def test_a_strange_filter_finds_nothing_and_does_nothing(served: Served, provider: str) -> None:
    answer = served.get(PATH, MINE, provider=provider, **RANGE)
    assert (answer.status_code, answer.json()["total_tasks"]) == (200, 0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", PATH, 405),
        ("DELETE", PATH, 405),
        ("GET", f"{PATH}/", 404),
        ("GET", "analytics/../../etc/passwd", 404),
        ("GET", "analytics/%00", 404),
        ("GET", "", 404),
    ],
)
def test_a_wrong_path_is_a_problem_too(served: Served, method: str, path: str, status: int) -> None:
    answer = served.client.request(method, f"/api/v1/{path}", follow_redirects=False)
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_a_database_that_is_away_is_said_and_comes_back(small_story: Story) -> None:
    settings = settings_for(small_story.database)
    nowhere = settings.database | {"port": 1}
    with serving(small_story.database, database=nowhere) as served:
        answer = served.get(PATH, MINE, **RANGE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["detail"] == "The warehouse cannot answer now. Try again."
    with serving(small_story.database) as served:
        assert served.get(PATH, MINE, **RANGE).status_code == 200
        with small_story.database.connect(autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where usename = %s and datname = current_database()",
                (LOGIN,),
            )
        last = dt.date(2026, 3, 30)
        answers = [
            served.get(PATH, MINE, start_date="2026-03-01", end_date=last - dt.timedelta(days=n))
            for n in range(12)
        ]
        assert answers[-1].status_code == 200
        assert {answer.status_code for answer in answers} <= {200, 503}


def test_every_error_of_the_driver_is_one_of_the_database() -> None:
    errors = [
        kind
        for kind in vars(asyncpg.exceptions).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, Warning)
    ]
    assert len(errors) > 200
    assert [kind for kind in errors if not issubclass(kind, DOWN)] == []


def test_the_owner_and_who_is_in_no_role_may_not_serve(small_story: Story, tmp_path: Path) -> None:
    with (
        small_story.database.connect() as connection,
        pytest.raises(WarehouseError, match="passes row-level security by"),
    ):
        refuse_unfit_login(connection)
    with small_story.database.connect(autocommit=True) as connection:
        connection.execute("create role in_no_role login password 'x'")
    nobody = small_story.database.as_login("in_no_role", "x", tmp_path)
    with (
        environment_of(nobody),
        nobody.connect() as connection,
        pytest.raises(WarehouseError, match="roles allow in_no_role --role org_admin"),
    ):
        refuse_unfit_login(connection)
    with small_story.database.connect(autocommit=True) as connection:
        connection.execute("drop role in_no_role")


def test_the_environment_says_as_whom_to_serve_and_what_is_wrong_with_it(
    small_story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_for(small_story.database)
    monkeypatch.setenv("WAREHOUSE_JWT_SECRET", str(KEYS.secret))
    monkeypatch.setenv("WAREHOUSE_CORS_ORIGINS", "https://one.example, https://two.example")
    with environment_of(small_story.database.as_login(LOGIN, "app", tmp_path)):
        found = Settings.from_environment()
        assert found.cors_origins == ("https://one.example", "https://two.example")
        assert (found.requests_per_minute, found.is_local, found.redis_url) == (100, False, None)
        with TestClient(create_app(found)) as client:
            answer = client.get(f"/api/v1/{PATH}", params=RANGE, headers=token_header(MINE)).json()
        assert answer["total_tasks"] == 1
        for variable, value, fault in (
            ("WAREHOUSE_REQUESTS_PER_MINUTE", "0", "has to be a whole number"),
            ("WAREHOUSE_REQUESTS_PER_MINUTE", "many", "has to be a whole number"),
            ("WAREHOUSE_JWT_SECRET", "short", "32 characters or more"),
            ("WAREHOUSE_JWT_SECRET", "", "openssl rand"),
        ):
            with monkeypatch.context() as changed:
                changed.setenv(variable, value)
                with pytest.raises(WarehouseError, match=fault):
                    Settings.from_environment()
    with (
        environment_of(small_story.database),
        pytest.raises(WarehouseError, match="Connect as a login of its own"),
    ):
        Settings.from_environment()


def test_a_token_for_the_command_line_is_one_that_the_api_accepts(
    small_story: Story, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_JWT_SECRET", str(KEYS.secret))
    with environment_of(small_story.database):
        made = CliRunner().invoke(main, ["token", "--organization", ORGANIZATION_ID])
        assert with_token(served, made.stdout.strip()).status_code == 200
        for arguments, fault in (
            ([], "names no organization"),
            (["--role", "developer", "--organization", ORGANIZATION_ID], "names no user"),
            (["--role", "builder", "--organization", ORGANIZATION_ID], "There is no role builder"),
            (["--organization", "x"], "not a valid UUID"),
            (["--organization", ORGANIZATION_ID, "--hours", "0"], "not in the range"),
        ):
            refused = CliRunner().invoke(main, ["token", *arguments])
            assert refused.exit_code != 0
            assert fault in refused.stderr
