"""The one error that the command line shows as a message, and what else it shows as one."""

import errno
import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import click


class WarehouseError(click.ClickException):
    """A mistake or an outage that the user can act on; the message says what to do.

    Click prints it as `Error: <message>` and exits with code 1.
    """


class WarehouseGroup(click.Group):
    """Commands in which the database, the disk and the terminal may refuse.

    What they say becomes a message here, whichever command it was. A mistake of the program's own
    stays a traceback.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and record it where the database refuses it for want of rights.

        Args:
            ctx: As `click.Group.invoke` has it.

        Returns:
            As there.
        """
        # What stands before options: the command, and what it is to be done to.
        words = itertools.takewhile(lambda word: not word.startswith("-"), self._arguments)
        command = " ".join(words)
        try:
            return super().invoke(ctx)
        except Exception as error:
            _record_refusal(command, error)
            raise

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments as they were given; otherwise as `click.Group.parse_args`."""
        self._arguments = list(args)
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command that the arguments name, as `click.Group.main` does.

        Args:
            *args: As there.
            **options: As there.

        Returns:
            As there.
        """
        try:
            _require_streams()
            return super().main(*args, **options)
        except Exception as error:
            message = explain_error(error)
            if message is None:
                raise
            message.show()
            sys.exit(message.exit_code)


def _record_refusal(command: str, error: Exception) -> None:
    """Record in the audit log that the database refused a command for want of rights."""
    if "psycopg" not in sys.modules:
        return
    import psycopg

    from orchestration.audit.record import record_refusal
    from orchestration.database.refusals import said

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, psycopg.errors.InsufficientPrivilege):
        cause = getattr(cause, "orig", None) or cause.__cause__
    if cause is None:
        return
    try:
        record_refusal(command, said(cause))
    except (WarehouseError, psycopg.Error) as unrecorded:
        reason = unrecorded.args[0] if unrecorded.args else unrecorded
        click.echo(f"The refusal could not be recorded: {reason}", err=True)


def explain_error(error: Exception) -> WarehouseError | None:
    """Return what to tell the user about an error that nobody caught.

    Args:
        error: The error.

    Returns:
        The message; None when the program made a mistake.
    """
    if isinstance(error, WarehouseError):
        return error
    if isinstance(error, OSError):
        return WarehouseError(_refused_by_system(error))
    # Imported here: most commands never need it, and it loads the database's driver.
    import psycopg

    from orchestration.database.refusals import refused

    # SQLAlchemy wraps the driver's errors.
    cause = getattr(error, "orig", error)
    return refused(cause) if isinstance(cause, psycopg.Error) else None


def reason(error: OSError) -> str:
    """Return why the system refused something.

    Args:
        error: What Python made of it.

    Returns:
        The system's words, or those of the library that raised it without them.
    """
    return error.strerror or str(error) or "no reason was given"


def _refused_by_system(error: OSError) -> str:
    _give_up_broken_output()
    if error.filename is not None:
        name = os.fsdecode(error.filename)
        shown = "".join(letter if letter.isprintable() else "?" for letter in name)
        return f"{shown}: {reason(error)}."
    try:
        tempfile.gettempdir()
    except OSError:
        return "No folder for temporary files can be written. TMPDIR names another one."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return f"Standard output, or a file, cannot be written: {reason(error)}."
    return f"The system refused: {reason(error)}."


def _give_up_broken_output() -> None:
    """Throw away what waits for a standard output that takes nothing; Python would try at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _require_streams() -> None:
    """Make a closed standard input an empty one, and refuse to work for nobody.

    Otherwise the next file or connection would get its number, and what is written there.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        raise WarehouseError("Standard output is closed. Send it to /dev/null if nobody reads it.")
