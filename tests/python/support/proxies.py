"""Databases of LiteLLM's proxy, made by its own migrations.

PYTEST_DONT_REWRITE: tests import this module before pytest takes its fixtures from it.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from orchestration.database.embedded import ROLE, EmbeddedServer
from orchestration.sources.litellm.database import VARIABLE
from support.servers import connect_to, settings_of
from support.stories import administer


@dataclass(frozen=True)
class Proxy:
    """A database of LiteLLM's.

    Attributes:
        url: Its URL.
        connection: To it, in no transaction.
    """

    url: str
    connection: psycopg.Connection[Any]

    def add(self, table: str, **values: Any) -> None:
        """Insert a row; objects and lists of objects as JSON."""
        cells = [
            Jsonb(value) if isinstance(value, dict) or name == "request_tags" else value
            for name, value in values.items()
        ]
        self.connection.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(f"LiteLLM_{table}"),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join([sql.Placeholder()] * len(values)),
            ),
            cells,
        )

    def call(self, request_id: str, **changes: Any) -> None:
        """Log a call of 2026-05-04, from 10:00:00 to 10:00:02, that changed at 10:00:05."""
        values: dict[str, Any] = {
            "request_id": request_id,
            "call_type": "acompletion",
            "spend": 0.0125,
            "prompt_tokens": 1000,
            "completion_tokens": 200,
            "startTime": "2026-05-04 10:00:00",
            "endTime": "2026-05-04 10:00:02",
            "completionStartTime": "2026-05-04 10:00:02",
            "model": "gpt-4o",
            "custom_llm_provider": "openai",
            "messages": {"role": "user", "content": "(left out)"},
            "metadata": {},
        }
        columns = {
            name
            for (name,) in self.connection.execute(
                "select column_name from information_schema.columns where table_name = %s",
                ("LiteLLM_SpendLogs",),
            )
        }
        if "updated_at" in columns:
            values["updated_at"] = "2026-05-04 10:00:05"
        self.add("SpendLogs", **(values | changes))

    def evaluate(self, attempt: str, **changes: Any) -> None:
        """Judge the call `one` at 10:01:00: an attempt of the job `forward`."""
        values = {
            "id": attempt,
            "job_id": "forward",
            "request_id": "one",
            "outcome": "shadow",
            "real_model": "gpt-4o",
            "shadow_model": "gpt-4o-mini",
            "tier": "SIMPLE",
            "confidence": 0.75,
            "judge_cost": 4e-05,
            "created_at": "2026-05-04 10:01:00",
        }
        self.add("ShadowEvalAttempt", **(values | changes))

    def job(self, job_id: str, **changes: Any) -> None:
        """Start an evaluation of the router `smart`."""
        values = {
            "id": job_id,
            "group_id": job_id,
            "target_id": job_id,
            "router_name": "smart",
            "judge_model": "claude-opus-4-5",
            "direction": job_id,
            "shadow_percentage": 5,
            "max_turns": 100,
            "ends_at": "2026-06-01 00:00:00",
        }
        self.add("ShadowEvalJob", **(values | changes))


def migrate_litellm(connection: psycopg.Connection[Any], before: str = "9") -> None:
    """Run LiteLLM's migrations, those whose names come before one."""
    folder = resources.files("litellm_proxy_extras").joinpath("migrations")
    for step in sorted(folder.iterdir(), key=lambda path: path.name):
        if step.is_dir() and step.name < before:
            connection.execute(step.joinpath("migration.sql").read_bytes())


@pytest.fixture(scope="session")
def make_proxy(embedded_server: EmbeddedServer) -> Iterator[Callable[..., Any]]:
    """Return a maker of LiteLLM's databases, as all its migrations or the older ones leave them."""
    templates: dict[str, str] = {}

    def create(template: str) -> str:
        name = f"litellm_{secrets.token_hex(6)}"
        administer(embedded_server, "create database {} template {}", name, template)
        return name

    @contextlib.contextmanager
    def make(before: str = "9") -> Iterator[Proxy]:
        if before not in templates:
            templates[before] = create("template1")
            settings = settings_of(embedded_server, templates[before])
            with connect_to(settings, autocommit=True) as connection:
                migrate_litellm(connection, before)
        name = create(templates[before])
        settings = settings_of(embedded_server, name)
        url = (
            f"postgresql://{ROLE}:{embedded_server.password()}"
            f"@{settings.host}:{settings.port}/{name}"
        )
        with connect_to(settings, autocommit=True) as connection:
            yield Proxy(url, connection)
        administer(embedded_server, "drop database {} with (force)", name)

    yield make
    for name in templates.values():
        administer(embedded_server, "drop database {} with (force)", name)


@pytest.fixture
def proxy(make_proxy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Yield a database of LiteLLM's newest schema, which the environment names."""
    with make_proxy() as made:
        monkeypatch.setenv(VARIABLE, made.url)
        yield made
