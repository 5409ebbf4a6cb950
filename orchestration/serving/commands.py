"""The commands `warehouse app`, `warehouse mcp` and `warehouse token`."""

# FastAPI and the database drivers are imported late: `warehouse --help` must not wait for them.

import datetime as dt
import threading
from uuid import UUID

import click

from orchestration.errors import WarehouseError

_GRACE_SECONDS = 3


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Its port."
)
def app(host: str, port: int) -> None:
    """Serve the page, the REST API and live updates.

    Runs in the foreground until Ctrl-C. On the embedded PostgreSQL it makes itself a login; on one
    of your own it connects as the libpq variables say, which must be a login that owns nothing.
    """
    import uvicorn

    from orchestration.serving.app import create_app
    from orchestration.serving.page.charts import bundle
    from orchestration.serving.settings import Settings

    settings = Settings.from_environment()
    click.echo(f"http://{host}:{port} (Ctrl-C ends it)")
    # What a browser draws charts with takes seconds to put together: before somebody waits for it.
    threading.Thread(target=bundle, daemon=True).start()
    # A client that keeps a stream open must not keep the server from ending.
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


@click.command()
@click.option(
    "--organization",
    type=click.UUID,
    help="Whose figures it shows, on the embedded server and without WAREHOUSE_TOKEN.",
)
def mcp(organization: UUID | None) -> None:
    """Answer an assistant over standard input and output.

    It speaks the Model Context Protocol, and shows what the token in WAREHOUSE_TOKEN may see.
    """
    import asyncio
    import os

    from orchestration.serving.mcp.server import serve_stdio
    from orchestration.serving.settings import Settings

    token = os.environ.get("WAREHOUSE_TOKEN") or None
    asyncio.run(serve_stdio(Settings.from_environment(), token, organization))


@click.command()
@click.option("--organization", type=click.UUID, help="Whose data it shows.")
@click.option("--user", type=click.UUID, help="Who asks; needed by team_lead and developer.")
@click.option("--role", default="org_admin", show_default=True, help="What it may see.")
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 365),
    default=12,
    show_default=True,
    help="How long it holds.",
)
@click.option("--for-events", is_flag=True, help="It sends events, and reads nothing.")
def token(
    organization: UUID | None, user: UUID | None, role: str, hours: int, for_events: bool
) -> None:
    """Print a token for the API, signed with WAREHOUSE_JWT_SECRET, as a platform would make it.

    With role analyst and no organization it is for all of them. --for-events makes one for
    `warehouse serve otlp`.
    """
    from orchestration.serving.principal import ROLES, Principal, TokenError, checked
    from orchestration.serving.settings import local_keys

    if for_events:
        if organization is None:
            raise WarehouseError("Whose events are sent? Use --organization.")
        click.echo(local_keys().token_for_events(organization, dt.timedelta(hours=hours)))
        return
    if role not in ROLES:
        raise WarehouseError(f"There is no role {role}: {', '.join(ROLES)}.")
    try:
        principal = checked(Principal(role, organization, user))
    except TokenError as error:
        raise WarehouseError(f"{error} Use --organization and --user.") from None
    click.echo(local_keys().token_for(principal, dt.timedelta(hours=hours)))
