"""Which server is used, what a child process is told, and what a failure says."""

import datetime as dt
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextvars import copy_context
from pathlib import Path

import psycopg
import psycopg2  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner
from dbt.clients.jinja import get_rendered
from dbt.context.secret import generate_secret_context
from dbt.exceptions import EnvVarMissingError
from dbt_common.context import set_invocation_context
from support.servers import Database

from orchestration.database.commands import db, env
from orchestration.database.connection import ConnectionSettings, connect, current_settings
from orchestration.database.embedded import EmbeddedServer
from orchestration.errors import WarehouseError
from orchestration.project import project_root, state_directory

ROOT = Path(__file__).parents[2]


@pytest.fixture
def as_home(embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> EmbeddedServer:
    """Make the session's embedded server the one that is used without PGHOST."""
    monkeypatch.setenv("WAREHOUSE_HOME", str(embedded_server.home))
    return embedded_server


def test_without_pghost_the_embedded_server_is_used(as_home: EmbeddedServer) -> None:
    settings = current_settings()
    assert settings == ConnectionSettings(
        "127.0.0.1", as_home.port, "warehouse", "warehouse", as_home.passfile, True
    )
    with connect() as connection:
        assert connection.info.server_version // 10000 == 18
        assert connection.info.parameter_status("application_name") == "warehouse"
        shown = connection.execute("show data_directory").fetchone()
    assert shown == (str(as_home.data_directory),)


def test_variables_for_another_server_do_not_reach_the_embedded_one(
    as_home: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "of another server")
    monkeypatch.setenv("PGSSLMODE", "require")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "other")
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.9")
    connect().close()
    assert current_settings().port == as_home.port

    for name, value in current_settings().environment().items():
        monkeypatch.setenv(name, value)
    psycopg.connect().close()

    monkeypatch.delenv("PGHOST")
    monkeypatch.setenv("PGSERVICE", "other")
    with pytest.raises(WarehouseError, match="PGSERVICE is set, and PGHOST is not"):
        current_settings()


def test_times_are_read_whatever_the_session_is_told(
    as_home: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert as_home
    monkeypatch.setenv("PGOPTIONS", "-c datestyle=SQL,DMY -c intervalstyle=sql_standard")
    monkeypatch.setenv("PGTZ", "Asia/Kolkata")
    moment = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    with connect() as connection:
        found = connection.execute(
            "select cast(%s as timestamptz), interval '1 day', current_setting('timezone')",
            (moment,),
        ).fetchone()
    assert found == (moment, dt.timedelta(days=1), "UTC")


def test_with_pghost_libpq_variables_decide(
    debian_server: EmbeddedServer, as_home: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "localhost")
    monkeypatch.setenv("PGPORT", str(debian_server.port))
    monkeypatch.setenv("PGUSER", "warehouse")
    monkeypatch.setenv("PGDATABASE", "postgres")
    monkeypatch.setenv("PGPASSWORD", debian_server.password())
    settings = current_settings()
    assert settings == ConnectionSettings(
        "localhost", debian_server.port, "warehouse", "postgres", None, False
    )
    assert debian_server.port != as_home.port
    with connect() as connection:
        assert connection.info.server_version // 10000 == 15
    assert debian_server.password() not in str(settings.environment())
    with psycopg.connect(settings.url(with_password=True)) as connection:
        assert connection.info.server_version // 10000 == 15


def test_defaults_are_those_of_libpq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")
    monkeypatch.setenv("PGUSER", "analyst")
    assert current_settings() == ConnectionSettings(
        "db.example.org", 5432, "analyst", "analyst", None, False
    )
    monkeypatch.setenv("PGPORT", "5432,5433")
    with pytest.raises(WarehouseError, match="PGPORT must be one number"):
        current_settings()


@pytest.mark.usefixtures("as_home")
def test_pghost_of_warehouse_env_still_means_the_embedded_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in current_settings().environment().items():
        monkeypatch.setenv(name, value)
    assert current_settings().is_embedded
    connect().close()


@pytest.mark.usefixtures("as_home")
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PGPORT", "1", "port 1 failed: Connection refused"),
        ("PGUSER", "nobody", "no password supplied"),
        ("PGPASSWORD", "of another server", 'password authentication failed for user "warehouse"'),
        ("PGDATABASE", "nowhere", 'database "nowhere" does not exist'),
        ("PGHOSTADDR", "127.0.0.9", 'server at "127.0.0.9"'),
        ("PGSERVICE", "nowhere", 'definition of service "nowhere" not found'),
        ("PGSSLMODE", "require", "server does not support SSL"),
    ],
)
def test_a_variable_that_is_changed_after_warehouse_env_counts(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    for variable, printed in current_settings().environment().items():
        monkeypatch.setenv(variable, printed)
    monkeypatch.setenv(name, value)
    assert not current_settings().is_embedded
    with pytest.raises(WarehouseError, match=re.escape(said)):
        connect()
    # What dbt's driver is told by profiles/profiles.yml; it goes the same way.
    told = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
    given = {option: os.environ[variable] for option, variable in told.items()}
    with pytest.raises(psycopg2.OperationalError, match=re.escape(said)):
        psycopg2.connect(**given, password=os.environ.get("PGPASSWORD", ""))


def rendered_profile(option: str) -> str:
    """Return what dbt is told by profiles/profiles.yml."""
    profile = yaml.safe_load((ROOT / "profiles" / "profiles.yml").read_text(encoding="utf-8"))
    text = profile["ai_spend_warehouse"]["outputs"]["warehouse"][option]

    def render() -> str:
        set_invocation_context(os.environ)
        return str(get_rendered(text, generate_secret_context({})))

    return copy_context().run(render)


@pytest.mark.usefixtures("as_home")
def test_dbt_refuses_an_empty_pghost(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, printed in current_settings().environment().items():
        monkeypatch.setenv(variable, printed)
    monkeypatch.setenv("PGHOST", "")
    with pytest.raises(EnvVarMissingError, match="PGHOST, which is empty"):
        rendered_profile("host")


ENCRYPTED = "select ssl from pg_catalog.pg_stat_ssl where pid = pg_backend_pid()"

HERE = ["localhost", "127.0.0.1", "127.8.9.10", "::1", "/run/postgresql", "localhost,127.0.0.1"]
ELSEWHERE = [
    "db.example.org", "10.0.0.5", "fd00::1", "127.example.org", "localhost.example.org",
    "localhostlocalhost", "localhost,db.example.org",
]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "address", "is_elsewhere"),
    [
        *((host, "", False) for host in HERE),
        *((host, "", True) for host in ELSEWHERE),
        ("localhost", "10.0.0.5", True),
        ("db.example.org", "127.0.0.1", True),
        ("localhost", "127.0.0.1", False),
    ],
)
def test_servers_elsewhere_must_be_known_by_their_certificate(
    monkeypatch: pytest.MonkeyPatch, host: str, address: str, is_elsewhere: bool
) -> None:
    for name, value in {"PGHOST": host, "PGHOSTADDR": address, "PGUSER": "analyst"}.items():
        monkeypatch.setenv(name, value)
    settings = current_settings()
    assert settings.demands_tls == is_elsewhere
    assert settings.environment().get("PGSSLMODE") == ("verify-full" if is_elsewhere else None)
    assert ("sslmode=verify-full" in settings.url()) == is_elsewhere
    assert rendered_profile("sslmode") == ("verify-full" if is_elsewhere else "prefer")
    # Whoever asks for less is told; dbt does not listen.
    monkeypatch.setenv("PGSSLMODE", "require")
    assert rendered_profile("sslmode") == ("verify-full" if is_elsewhere else "require")
    if is_elsewhere:
        with pytest.raises(WarehouseError, match="PGSSLMODE is require: passwords and data"):
            current_settings()
    else:
        assert current_settings() == settings


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `ca.crt`, and `server.crt` and `server.key` for warehouse.test."""
    folder = tmp_path_factory.mktemp("authority")
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    for command in (
        (*new, "-subj", "/CN=a CA", "-keyout", "ca.key", "-out", "ca.crt"),
        (*new, "-subj", "/CN=warehouse.test", "-addext", "subjectAltName=DNS:warehouse.test",
         "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", "server.key", "-out", "server.crt"),
        (*new, "-subj", "/CN=another CA", "-keyout", "other.key", "-out", "other.crt"),
    ):  # fmt: skip
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return folder


def switch_tls(administrator: psycopg.Connection, mode: str) -> None:
    administrator.execute(f"alter system set ssl = {mode}".encode())
    administrator.execute("select pg_reload_conf()")
    deadline = time.monotonic() + 30
    while administrator.execute("show ssl").fetchone() != (mode,):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_tls_with_a_certificate_of_ones_own(
    debian_server: EmbeddedServer, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGHOST": "warehouse.test",
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": str(debian_server.port),
        "PGUSER": "warehouse",
        "PGDATABASE": "postgres",
        "PGPASSWORD": debian_server.password(),
        "PGSSLROOTCERT": str(authority / "ca.crt"),
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WarehouseError, match="server does not support SSL"):
        connect()

    data = debian_server.data_directory.resolve()
    for name in ("server.crt", "server.key"):
        shutil.copy(authority / name, data / name)
        os.chown(data / name, data.stat().st_uid, data.stat().st_gid)
        (data / name).chmod(0o600)
    administrator = psycopg.connect(host="127.0.0.1", sslmode="disable", autocommit=True)
    with administrator:
        try:
            switch_tls(administrator, "on")
            with connect() as connection:
                assert connection.execute(ENCRYPTED).fetchone() == (True,)
            with (
                psycopg2.connect(
                    host="warehouse.test", sslmode=rendered_profile("sslmode")
                ) as driver_of_dbt,
                driver_of_dbt.cursor() as cursor,
            ):
                cursor.execute(ENCRYPTED)
                assert cursor.fetchone() == (True,)
            with psycopg.connect(current_settings().url()) as connection:
                assert connection.execute(ENCRYPTED).fetchone() == (True,)

            monkeypatch.setenv("PGSSLROOTCERT", str(authority / "other.crt"))
            with pytest.raises(WarehouseError, match="certificate verify failed"):
                connect()
            monkeypatch.setenv("PGSSLROOTCERT", str(authority / "missing.crt"))
            with pytest.raises(WarehouseError, match=r"(?s)does not exist.*PGSSLROOTCERT=system"):
                connect()
            monkeypatch.setenv("PGSSLROOTCERT", str(authority / "ca.crt"))
            monkeypatch.setenv("PGHOST", "elsewhere.test")
            with pytest.raises(WarehouseError, match="does not match host name"):
                connect()
        finally:
            switch_tls(administrator, "off")


def test_environment_serves_psql(database: Database, embedded_server: EmbeddedServer) -> None:
    finished = subprocess.run(
        [str(embedded_server.bin_directory / "psql"), "--no-password", "-Atc", "table raw.loads"],
        env={"PATH": os.environ["PATH"], **database.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr


@pytest.mark.parametrize("path", [os.environ["PATH"], "/nowhere"])
def test_psql_opens_the_database_also_where_none_is_installed(
    database: Database, path: str
) -> None:
    found = subprocess.run(
        [
            *(sys.executable, "-m", "orchestration.cli", "db", "psql"),
            *("--no-password", "-Atc", "select count(*) from raw.loads"),
        ],
        env=os.environ | database.environment | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "0\n"


def test_urls_are_encoded_and_hold_no_secret_unless_asked() -> None:
    settings = ConnectionSettings(
        "::1", 5433, "a user", "da/ta", Path("/home/a b/?pass&file"), False
    )
    url = settings.url()
    assert url == ("postgresql://a%20user@[::1]:5433/da%2Fta?passfile=/home/a%20b/%3Fpass%26file")
    parsed = psycopg.conninfo.conninfo_to_dict(url)
    assert parsed["passfile"] == "/home/a b/?pass&file"
    assert parsed["host"] == "::1"
    socket_url = ConnectionSettings("/run/pg", 1, "u", "d", None, False).url()
    assert psycopg.conninfo.conninfo_to_dict(socket_url)["host"] == "/run/pg"
    with pytest.raises(WarehouseError, match="PGPASSWORD is not set"):
        settings.url(with_password=True)


def test_an_unreachable_server_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(port))
    monkeypatch.setenv("PGUSER", "analyst")
    monkeypatch.setenv("PGDATABASE", "costs")
    monkeypatch.setenv("PGPASSWORD", "very-secret")
    with pytest.raises(WarehouseError) as raised:
        connect()
    for part in ("127.0.0.1", str(port), "analyst", "costs", "Connection refused", "PGHOST"):
        assert part in raised.value.message
    assert "very-secret" not in raised.value.message

    for arguments in (["start"], ["migrate"]):
        failed = CliRunner().invoke(db, arguments)
        assert failed.exit_code == 1
        assert "Connection refused" in failed.output
    assert CliRunner().invoke(db, ["status"]).exit_code == 3


def test_a_wrong_password_is_explained(
    debian_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(debian_server.port))
    monkeypatch.setenv("PGUSER", "warehouse")
    monkeypatch.setenv("PGPASSWORD", "very-secret")
    with pytest.raises(WarehouseError, match="password authentication failed") as raised:
        connect()
    assert "very-secret" not in raised.value.message


def test_a_connection_waits_for_crash_recovery(
    database_18: Database, embedded_server: EmbeddedServer
) -> None:
    with database_18.connect() as connection:
        # The whole server starts over when one of its processes is killed.
        os.kill(connection.info.backend_pid, 9)
        with connect() as other:
            assert other.execute("select 1").fetchone() == (1,)
    assert embedded_server.status().is_running


def test_commands_of_the_embedded_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "it's home"
    monkeypatch.setenv("WAREHOUSE_HOME", str(home))
    runner = CliRunner()
    try:
        down = runner.invoke(db, ["status"])
        assert (down.exit_code, "not running" in down.output) == (3, True)

        printed = runner.invoke(env)
        assert printed.exit_code == 0, printed.output
        server = EmbeddedServer(home=home)
        assert server.status().is_running, "`warehouse env` starts it"
        password = server.password()
        shown = subprocess.run(
            ["sh", "-c", f'{printed.output}\necho "$PGHOST|$PGPORT|$PGUSER|$PGPASSFILE"; env'],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert shown.splitlines()[0] == (f"127.0.0.1|{server.port}|warehouse|{server.passfile}")
        assert f"DBT_PROFILES_DIR={ROOT / 'profiles'}" in shown
        assert password not in shown

        assert "is running" in runner.invoke(db, ["start"]).output
        url = runner.invoke(db, ["url"]).output.strip()
        assert password not in url
        psycopg.connect(url).close()
        with_password = runner.invoke(db, ["url", "--with-password"]).output.strip()
        assert password in with_password
        psycopg.connect(with_password).close()

        assert "not migrated" in runner.invoke(db, ["status"]).output
        assert "from nothing to revision 0020" in runner.invoke(db, ["migrate"]).output
        assert "up to date (revision 0020)" in runner.invoke(db, ["migrate"]).output
        up = runner.invoke(db, ["status"])
        assert up.exit_code == 0
        for part in ("PostgreSQL 18", str(server.port), str(server.data_directory), "0020"):
            assert part in up.output

        runner.invoke(db, ["stop"])
        assert not server.status().is_running
        assert runner.invoke(db, ["migrate"]).exit_code == 0, "starts the server"
        assert server.status().is_running

        # As in a shell after `warehouse env`: a server that is made anew is where dbt looks for it.
        for name, value in current_settings().environment().items():
            monkeypatch.setenv(name, value)
        assert runner.invoke(db, ["stop", "--delete-data"]).exit_code == 0
        assert runner.invoke(db, ["migrate"]).exit_code == 0
        assert os.environ["PGPORT"] == str(server.port)
        runner.invoke(db, ["stop"])
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", server.port))
            taken.listen()
            moved = runner.invoke(db, ["url"])
        assert moved.exit_code == 1
        assert f"port {server.port} now, and PGPORT is still {os.environ['PGPORT']}" in moved.output
        monkeypatch.delenv("PGHOST")
        assert f":{server.port}/" in runner.invoke(db, ["url"]).output
    finally:
        stopped = runner.invoke(db, ["stop", "--delete-data"])
    assert stopped.exit_code == 0, stopped.output
    assert not home.exists()
    assert runner.invoke(db, ["stop"]).exit_code == 0


def test_env_leaves_a_server_of_the_users_own_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")
    monkeypatch.setenv("PGUSER", "jo")
    monkeypatch.setenv("PGPASSWORD", "secret")
    printed = CliRunner().invoke(env)
    # Also libpq's defaults, which dbt does not know.
    assert printed.output.splitlines() == [
        "export PGHOST=db.example.org",
        "export PGPORT=5432",
        "export PGUSER=jo",
        "export PGDATABASE=jo",
        "export PGSSLMODE=verify-full",
        f"export DBT_PROFILES_DIR={ROOT / 'profiles'}",
    ]


def test_the_project_is_found_from_below_and_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "checkout"
    (copy / "models").mkdir(parents=True)
    shutil.copy(ROOT / "dbt_project.yml", copy)
    other = tmp_path / "other"
    other.mkdir()
    (other / "dbt_project.yml").write_text("name: another_project\n")
    monkeypatch.delenv("WAREHOUSE_HOME")
    for current, root in ((copy / "models", copy), (other, ROOT), (tmp_path, ROOT)):
        monkeypatch.chdir(current)
        assert project_root() == root.resolve()
        assert state_directory() == root.resolve() / ".warehouse"
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path / "state"))
    assert state_directory() == tmp_path / "state"


def test_help_does_not_wait_for_a_database_driver() -> None:
    started = time.monotonic()
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, orchestration.database.commands; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert time.monotonic() - started < 5
    assert not {"psycopg", "alembic", "sqlalchemy"} & set(loaded)
