"""The commands `warehouse import ...`."""

# The modules that do the work are imported by the command that needs them: `warehouse --help`
# must not wait for a database driver.

import datetime as dt
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.errors import WarehouseError, reason
from orchestration.output import open_output

if TYPE_CHECKING:
    from orchestration.landing.loader import LandedFile, Stream
    from orchestration.sources.pulls.apis import Api
    from orchestration.sources.source import Source

_DAY = click.DateTime(["%Y-%m-%d"])


class _Sources(click.Group):
    """One command a source, made from the registry, so that help costs no imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, as `click.Group.list_commands`."""
        from orchestration.sources.registry import SOURCES

        return sorted([*super().list_commands(ctx), *SOURCES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name, as `click.Group.get_command`."""
        from orchestration.sources.registry import SOURCES

        source = SOURCES.get(cmd_name)
        return super().get_command(ctx, cmd_name) if source is None else _command_of(source)


@click.group("import", cls=_Sources)
def import_source() -> None:
    """Convert what other tools wrote into events, and land them."""


class _Apis(click.Group):
    """One command an API, as in `_Sources`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands, as `click.Group.list_commands`."""
        from orchestration.sources.pulls.apis import APIS

        return sorted(APIS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command by its name, as `click.Group.get_command`."""
        from orchestration.sources.pulls.apis import APIS

        api = APIS.get(cmd_name)
        return None if api is None else _pull_of(api)


@click.group("pull", cls=_Apis)
def pull_source() -> None:
    """Ask providers for their reports, and land what they answer."""


_OWNER = (
    click.Option(
        ["--organization"],
        required=True,
        help="Whose usage it is: a name, or the id of an organization that has landed.",
    ),
    click.Option(
        ["--time-zone"],
        default="UTC",
        show_default=True,
        help="In which a new organization counts its days.",
    ),
    click.Option(["--user"], help="Whose all of it is, where the source does not tell."),
)
_OUT = click.Option(
    ["--out"],
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the events to this NDJSON file instead of landing them.",
)


@import_source.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help=_OUT.help)
def aider(file: Path, out: Path | None) -> None:
    """Import aider's published call log (llm_calls.csv).

    The events are the same at every import, so a second one of the same file is skipped.
    """
    from orchestration.sources.aider import convert

    _deliver([(f"aider:{file}", convert(file))], out)


@import_source.command()
@click.option(
    "--organization",
    required=True,
    help="Whose the calls are that name no organization: a name, or the id of one that has landed.",
)
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    help="In which new organizations count their days.",
)
@click.option(
    "--since",
    type=click.DateTime(),
    help="Read what changed from this moment on, in UTC, and not from where the last one ended.",
)
@click.option(
    "--overlap-minutes",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="How much of what was read before is looked at again, for rows that were written late.",
)
@click.option(
    "--batch",
    "batch_rows",
    type=click.IntRange(min=1),
    default=20_000,
    show_default=True,
    help="How many rows become one load.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Import nothing: show the totals of each day in LiteLLM and in the warehouse.",
)
@click.option("--json", "as_json", is_flag=True, help="With --compare: one JSON object per line.")
def litellm(
    organization: str,
    time_zone: str,
    since: dt.datetime | None,
    overlap_minutes: int,
    batch_rows: int,
    compare: bool,
    as_json: bool,
) -> None:
    """Import the calls in the database of a LiteLLM proxy.

    The URL of the database is in LITELLM_DATABASE_URL. Every import goes on where the last one
    ended; what has landed counts once, however often it is read.
    """
    from orchestration.landing.contracts import require_time_zone
    from orchestration.sources.source import Owner

    if as_json and not compare:
        raise click.UsageError("--json is for --compare.")
    require_time_zone(time_zone)
    from_moment = since and since.replace(tzinfo=dt.UTC)
    if compare:
        from orchestration.sources.litellm.comparison import compared, table_of

        days = compared(from_moment)
        if as_json:
            for day in days:
                click.echo(day.as_json())
        else:
            click.echo(table_of(days))
        return

    from orchestration.sources.litellm.pull import Pull, pull

    wanted = Pull(
        Owner.named(organization, time_zone),
        time_zone,
        from_moment,
        dt.timedelta(minutes=overlap_minutes),
        batch_rows,
    )
    if not _report(pull(wanted, lambda left_out: click.echo(left_out, err=True))):
        click.echo("litellm: nothing new")


def _command_of(source: "Source") -> click.Command:
    """Return the command that imports files of a source."""

    def run(
        paths: tuple[Path, ...],
        organization: str,
        time_zone: str,
        user: str | None,
        out: Path | None,
    ) -> None:
        from orchestration.landing.contracts import require_time_zone
        from orchestration.sources.reading import files_in
        from orchestration.sources.source import Owner, lines_of

        require_time_zone(time_zone)
        owner = Owner.named(organization, time_zone, user)
        files = [file for path in paths for file in files_in(path, source.endings)]
        if not files:
            raise WarehouseError(
                f"No file of {source.title} is there: their names end in "
                f"{', '.join(source.endings)} (also .gz)"
            )
        # Each file is a load of its own, whose content introduces whom it names.
        _deliver(
            (
                (f"{source.name}:{file}", lines_of(source, file, owner.afresh()))
                for file in dict.fromkeys(files)
            ),
            out,
        )

    return click.Command(
        source.name,
        callback=run,
        short_help=f"{source.title}: {source.reads}.",
        help=f"Import {source.title}: {source.reads}.\n\nPATH is a file or a folder. What was "
        "imported before counts once, however often and in whatever parts it comes.",
        params=[
            click.Argument(
                ["paths"],
                nargs=-1,
                required=True,
                type=click.Path(path_type=Path),
                metavar="PATH...",
            ),
            *_OWNER,
            _OUT,
        ],
    )


def _pull_of(api: "Api") -> click.Command:
    """Return the command that pulls from an API."""

    def run(
        organization: str,
        time_zone: str,
        user: str | None,
        since: dt.datetime | None,
        until: dt.datetime | None,
        overlap_days: int,
        url: str,
        account: str | None,
        report: str = next(iter(api.reports)),
        out: Path | None = None,
    ) -> None:
        from orchestration.landing.contracts import require_time_zone
        from orchestration.sources.pulls.pull import Pull, kept, pull
        from orchestration.sources.source import Owner

        require_time_zone(time_zone)
        first, end = (day and day.replace(tzinfo=dt.UTC) for day in (since, until))
        wanted = Pull(api, report, url, account or "", first, end, overlap_days)
        now = dt.datetime.now(dt.UTC)
        if out is None:
            owner = Owner.named(organization, time_zone, user)
            if not _report(pull(wanted, owner, now, click.echo)):
                click.echo(f"{api.source.name}: nothing new")
            return
        for path, content in kept(wanted, out, now, click.echo):
            with open_output(path) as file:
                file.write(content)
            click.echo(f"{path}: {len(content):,} bytes")

    title = f"Pull {api.source.title} from {api.url}."
    variables = " and ".join(api.variables)
    return click.Command(
        api.source.name,
        callback=run,
        short_help=title,
        help=f"{title}\n\n{variables} holds {api.needs}. Every pull goes on where the last one "
        "ended, and reads the last days before that again; what has landed counts once.",
        params=[
            *_OWNER,
            click.Option(
                ["--since"],
                type=_DAY,
                help="Read from this day on (UTC), and not from where the last pull ended.",
            ),
            click.Option(["--until"], type=_DAY, help="Read no farther than to before this day."),
            click.Option(
                ["--overlap-days"],
                type=click.IntRange(min=0),
                default=3,
                show_default=True,
                help="How many days that were read before are read again, for what changed since.",
            ),
            *(
                [
                    click.Option(
                        ["--report"],
                        type=click.Choice([*api.reports]),
                        default=next(iter(api.reports)),
                        show_default=True,
                        help="What to pull.",
                    )
                ]
                if len(api.reports) > 1
                else []
            ),
            click.Option(
                ["--account"],
                required=api.has_account,
                help="Which account of the provider's it is, where there may be several.",
            ),
            click.Option(
                ["--url"],
                default=api.url,
                show_default=True,
                envvar=f"{api.source.name.upper()}_URL",
                show_envvar=True,
                help="Where the API is.",
            ),
            click.Option(
                ["--out"],
                type=click.Path(path_type=Path, file_okay=False, exists=True),
                help="Keep the pages in this folder, for `warehouse import`, and land nothing.",
            ),
        ],
    )


def _deliver(conversions: Iterable[tuple[str, Iterator[bytes]]], out: Path | None) -> None:
    """Land what files became, or write it to a file."""
    if out is not None:
        count = 0
        with open_output(out) as events:
            for _, lines in conversions:
                for line in lines:
                    events.write(line)
                    count += 1
        click.echo(f"{out}: {count:,} events")
        return

    from orchestration.landing.loader import land_streams

    _report(land_streams(_converted(conversions)))


def _report(loads: Iterable["LandedFile"]) -> int:
    """Say what becomes of each load, and end with an error where one was refused.

    Returns:
        How many loads there were.
    """
    from orchestration.landing.commands import INTERRUPTED_EXIT_CODE, describe

    is_rejected = is_refused = False
    count = 0
    try:
        for landed in loads:
            count += 1
            click.echo(describe(landed), err=landed.refusal is not None)
            is_rejected |= bool(landed.lines_rejected)
            is_refused |= landed.refusal is not None
    except KeyboardInterrupt:
        click.echo(
            "\nInterrupted. Nothing of the file in progress was landed; run it again.", err=True
        )
        sys.exit(INTERRUPTED_EXIT_CODE)
    if is_rejected:
        click.echo("`warehouse rejects` lists the rejected lines and why.")
    if is_refused:
        sys.exit(1)
    return count


def _converted(
    conversions: Iterable[tuple[str, Iterator[bytes]]],
) -> Iterator["Stream"]:
    """Yield the events of files that have any, each file's as a stream."""
    from orchestration.landing.loader import Stream

    for name, lines in conversions:
        try:
            with tempfile.TemporaryFile() as converted:
                converted.writelines(lines)
                if not converted.tell():
                    click.echo(f"{name}: no usage in it")
                    continue
                converted.seek(0)
                yield Stream(name, converted)
        except OSError as error:
            raise WarehouseError(
                f"A temporary file in {tempfile.gettempdir()} cannot be written: {reason(error)}. "
                "TMPDIR names another folder."
            ) from error
