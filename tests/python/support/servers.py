"""PostgreSQL servers and databases of tests."""

import dataclasses
from pathlib import Path
from typing import Any

import psycopg

from orchestration.database.connection import ConnectionSettings
from orchestration.database.embedded import HOST, ROLE, EmbeddedServer

DEBIAN_BIN_DIRECTORY = Path("/usr/lib/postgresql/15/bin")

STORY_DATABASE = "warehouse_story"
"""The name under which every build happens; a database that is kept gets another one afterwards."""

TEMPLATE_DATABASE = "warehouse_template"


@dataclasses.dataclass(frozen=True)
class Database:
    """One migrated database of its own, for one test.

    Attributes:
        settings: How to reach it; what `connection.current_settings()` returns in the test.
        environment: The libpq variables, already set in `os.environ`, for child processes.
    """

    settings: ConnectionSettings
    environment: dict[str, str]

    def connect(self, **options: Any) -> psycopg.Connection:
        """Open a connection; `options` as in `psycopg.connect`."""
        return connect_to(self.settings, **options)

    def as_login(self, login: str, password: str, folder: Path) -> "Database":
        """Return the same database as a login reaches it, with a password file in a folder."""
        passfile = folder / f"pgpass_{login}"
        passfile.write_text(f"*:*:*:{login}:{password}\n", encoding="utf-8")
        passfile.chmod(0o600)
        settings = dataclasses.replace(self.settings, user=login, passfile=passfile)
        return Database(settings, settings.environment())


def settings_of(server: EmbeddedServer, database: str = "warehouse") -> ConnectionSettings:
    """Return the settings for one database of a running server, as if PGHOST named it."""
    return ConnectionSettings(
        host=HOST,
        port=server.port,
        user=ROLE,
        dbname=database,
        passfile=server.passfile,
        is_embedded=False,
    )


def connect_to(settings: ConnectionSettings, **options: Any) -> psycopg.Connection:
    parameters: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        "dbname": settings.dbname,
        "passfile": str(settings.passfile),
    }
    return psycopg.connect(**(parameters | options))
