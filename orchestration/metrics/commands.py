"""The command `warehouse metrics`."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--out",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, ending in .prom, for node-exporter's textfile collector; replaced in "
    "one step. Standard output when omitted.",
)
def metrics(file: Path | None) -> None:
    """Show figures about landing, builds, prices, tasks and checks for Prometheus.

    In the text exposition format. orchestration/metrics/alerts.yml has alerts on them. Run it after
    builds and checks, or every few minutes.
    """
    from prometheus_client import generate_latest, write_to_textfile

    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.errors import WarehouseError
    from orchestration.metrics.collect import collect

    with connect(application_name="warehouse metrics") as connection:
        require_migrated(connection)
        registry = collect(connection)
    if file is None:
        click.echo(generate_latest(registry).decode("utf-8"), nl=False)
        return
    try:
        write_to_textfile(str(file), registry)
    except OSError as error:
        raise WarehouseError(f"{file} cannot be written: {error.strerror or error}") from None
