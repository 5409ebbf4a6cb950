"""The one error that the command line shows as a message instead of a traceback."""

import click


class WarehouseError(click.ClickException):
    """A mistake or an outage that the user can act on; the message says what to do.

    Click prints it as `Error: <message>` and exits with code 1.
    """
