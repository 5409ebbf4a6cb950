"""The command `warehouse serve otlp`."""

# FastAPI and the database drivers are imported late: `warehouse --help` must not wait for them.

import sys

import click

from orchestration.errors import WarehouseError

_GRACE_SECONDS = 10
# How long a thread that computes may keep the others waiting: an answer waits for several of them
# in turn, and by default each may take 5 milliseconds.
_TURN_SECONDS = 0.0005


@click.group()
def serve() -> None:
    """Take what instruments send, as it happens."""


@serve.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=4318, show_default=True, help="Its port."
)
@click.option(
    "--organization",
    help="Whose it is what this machine sends without a token: a name, or an id that has landed.",
)
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    help="In which a new organization counts its days.",
)
def otlp(host: str, port: int, organization: str | None, time_zone: str) -> None:
    """Receive OpenTelemetry over HTTP: spans and events of AI calls.

    Runs in the foreground until Ctrl-C. It takes protobuf and JSON at /v1/traces and /v1/logs, and
    events as JSON at /api/v1/events; an answer of 200 means that they are committed. Who sends
    shows a token of `warehouse token --for-events`.
    """
    import uvicorn

    from orchestration.database.connection import connect, current_settings
    from orchestration.database.migrate import require_migrated
    from orchestration.landing.contracts import require_time_zone
    from orchestration.receiver.app import create_app
    from orchestration.serving.settings import local_keys
    from orchestration.sources.source import Owner

    require_time_zone(time_zone)
    if organization is not None and not current_settings().is_embedded:
        raise WarehouseError(
            "--organization is for the embedded server; elsewhere every sender shows a token."
        )
    keys = local_keys()
    with connect(application_name="warehouse serve otlp") as connection:
        require_migrated(connection)
    owner = None if organization is None else Owner.named(organization, time_zone)
    sys.setswitchinterval(_TURN_SECONDS)
    click.echo(f"http://{host}:{port} (Ctrl-C ends it)")
    uvicorn.run(
        create_app(keys, owner),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
