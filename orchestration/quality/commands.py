"""The command `warehouse check`."""

from pathlib import Path

import click

from orchestration.errors import WarehouseError
from orchestration.quality.rules import SUITES


@click.command()
@click.option(
    "--suite",
    "names",
    type=click.Choice(list(SUITES)),
    multiple=True,
    help="Which rules; may be given several times. All when omitted.",
)
@click.option(
    "--full",
    is_flag=True,
    help="Look at everything, not only at what builds have changed since the last check, and "
    "recompute ten executions.",
)
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a page about the state of the warehouse into this folder.",
)
def check(names: tuple[str, ...], full: bool, docs: Path | None) -> None:
    """Check the data with Great Expectations and show which rules hold.

    The rules stand in orchestration/quality/rules.py, their limits are vars of dbt_project.yml.
    What was found stays in quality.check_results: how many rows broke a rule, the ids of the first
    of them, and the query that finds them all. The exit code is 1 when a critical rule is broken or
    a rule cannot be checked.
    """
    from rich.console import Console
    from rich.table import Table

    from orchestration.database.connection import connect, current_settings
    from orchestration.database.migrate import require_migrated
    from orchestration.quality.checks import run_checks, suites_named

    settings = current_settings()
    with connect(application_name="warehouse check", autocommit=True) as connection:
        require_migrated(connection)
        results = run_checks(
            connection,
            settings,
            suites_named(names),
            full=full,
            docs=docs.absolute() if docs else None,
        )
    table = Table(title="All of it" if full else "What builds have changed", title_justify="left")
    table.add_column("Rule", no_wrap=True)
    table.add_column("Severity", no_wrap=True)
    table.add_column("Broken by", justify="right")
    table.add_column("Limit", justify="right")
    for result in results:
        table.add_row(
            result.rule.name,
            result.rule.severity,
            f"[red]{result.broken_rows:,}[/]" if result.broken_rows else "[green]none[/]",
            "" if result.limit is None else f"{result.limit.normalize():f}",
        )
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    for result in results:
        if result.broken_ids:
            # A row of an empty warehouse, or one over all organizations, has no id for each name.
            known = [str(value) for value in result.broken_ids[0].values() if value is not None]
            example = f" for {' '.join(known)}" if known else ""
            others = f" and {result.broken_rows - 1:,} more" if result.broken_rows > 1 else ""
            console.print(f"{result.rule.name}: {result.rule.description} Not so{example}{others}.")
    broken = [
        result.rule.name
        for result in results
        if not result.is_success and result.rule.severity == "critical"
    ]
    if broken:
        raise WarehouseError(
            f"{len(broken)} critical rule(s) do not hold: {', '.join(broken)}. "
            "quality.check_results has the queries."
        )
