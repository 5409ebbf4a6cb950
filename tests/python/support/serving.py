"""The application on a story's database, asked over HTTP as a client of a tenant.

PYTEST_DONT_REWRITE: the tests import this module before pytest takes its fixtures from it.
"""

import datetime as dt
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import UUID

import jsonschema  # type: ignore[import-untyped]
import psycopg
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from starlette.applications import Starlette

from orchestration.access.roles import allow
from orchestration.serving.app import create_app
from orchestration.serving.principal import ROLES, Keys, Principal
from orchestration.serving.settings import Settings, pool_options
from support.servers import Database

LOGIN, PASSWORD = "story_app", "app"
KEYS = Keys("a secret of at least thirty-two characters", None)
ENOUGH = 1_000_000


@dataclass
class Served:
    """An application, and a client of it.

    Attributes:
        app: The application.
        client: What asks it.
    """

    app: FastAPI
    client: TestClient

    def get(self, path: str, principal: Principal | None, **parameters: Any) -> Response:
        """Ask for a path under /api/v1, with a token of a principal."""
        return self.client.get(
            f"/api/v1/{path}", params=parameters, headers=token_header(principal)
        )

    def exposition(self, token: str) -> str:
        """Return the figures for Prometheus."""
        answer = self.client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == HTTPStatus.OK, answer.text
        return answer.text

    def document(self, path: str, principal: Principal | None, **parameters: Any) -> Any:
        """Return the document of a path, which has to be as the OpenAPI document says."""
        return self.checked(path, self.get(path, principal, **parameters))

    def checked(self, path: str, response: Response, method: str = "get") -> Any:
        """Return a response's document, with exact numbers, if it is as the OpenAPI one says."""
        assert response.status_code == HTTPStatus.OK, response.text
        described = self.app.openapi()
        paths = described["paths"]
        item = paths.get(f"/api/v1/{path}") or next(
            paths[template]
            for template in paths
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), f"/api/v1/{path}")
        )
        content = item[method]["responses"]["200"]["content"]["application/json"]
        jsonschema.Draft202012Validator(
            content["schema"] | {"components": described["components"]},
            format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
        ).validate(response.json())
        return json.loads(response.text, parse_float=Decimal)


def org_admin(organization_id: str | UUID) -> Principal:
    """Return who sees everything of an organization."""
    return Principal("org_admin", UUID(str(organization_id)), None)


def token_header(principal: Principal | None) -> dict[str, str]:
    """Return the header with a token of a principal, none for nobody."""
    if principal is None:
        return {}
    return {"Authorization": f"Bearer {KEYS.token_for(principal, dt.timedelta(hours=1))}"}


def settings_for(database: Database, /, **changes: Any) -> Settings:
    """Return settings of an application on a database, whose login is made when it is missing."""
    with database.connect(autocommit=True) as connection:
        known = connection.execute("select 1 from pg_roles where rolname = %s", (LOGIN,))
        if known.fetchone() is None:
            # Another worker's tests may have made it since.
            with suppress(psycopg.errors.DuplicateObject):
                connection.execute(f"create role {LOGIN} login noinherit password '{PASSWORD}'")
        for role in ROLES:
            allow(connection, LOGIN, role, None)
    found = database.settings
    pool: dict[str, Any] = {
        "host": found.host,
        "port": found.port,
        "user": LOGIN,
        "password": PASSWORD,
        "database": found.dbname,
        **pool_options(),
    }
    given: dict[str, Any] = {"keys": KEYS, "database": pool, "requests_per_minute": ENOUGH}
    return Settings(**(given | changes))


@contextmanager
def serving(database: Database, /, **changes: Any) -> Iterator[Served]:
    """Yield the application on a database; `changes` are settings."""
    app = create_app(settings_for(database, **changes))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Served(app, client)


@contextmanager
def listening(app: Starlette) -> Iterator[str]:
    """Yield the address of a server of an application, with real connections."""
    configured = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(configured)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        (port,) = {socket.getsockname()[1] for each in server.servers for socket in each.sockets}
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
