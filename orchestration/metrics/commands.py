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
    from prometheus_client import generate_latest

    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.metrics.collect import collect
    from orchestration.output import open_output

    with connect(application_name="warehouse metrics") as connection:
        require_migrated(connection)
        figures = generate_latest(collect(connection))
    if file is None:
        click.echo(figures, nl=False)
        return
    with open_output(file) as out:
        out.write(figures)
