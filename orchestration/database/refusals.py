"""What an error of the database says to the user."""

import re

import psycopg

from orchestration.errors import WarehouseError

# By SQLSTATE, the most specific first: what the user can do.
_ADVICE = (
    (
        "42501",
        "Connect as the role that owns the warehouse, or have it grant what is missing.",
    ),
    (
        "25006",
        "This command writes, and the session may only read: the server is a standby, or "
        "default_transaction_read_only is on for the role, the database or in PGOPTIONS.",
    ),
    (
        "57014",
        "If it was statement_timeout, raise it for the role, the database or in PGOPTIONS.",
    ),
    ("55P03", "Another session holds a lock. Try again when it has ended."),
    ("40", "Another session was in the way. Try again."),
    ("53", "The server is short of something. Free it and try again."),
    ("57P", "Try again when the server is up."),
    ("08", "Try again when the server is up."),
    (
        "3F000",
        "Run `warehouse db migrate`, then `dbt build`.",
    ),
    (
        "42",
        "The tables are not those of this version of the program. Run `warehouse db migrate`, then "
        "`dbt build --full-refresh`.",
    ),
)
_SYNTAX_ERROR = "42601"


def said(error: psycopg.Error) -> str:
    """Return what a database error says, without the data that it may quote.

    Args:
        error: The error.

    Returns:
        Its message and SQLSTATE in one line; of data exceptions the condition's name, as
        PostgreSQL's documentation lists it.
    """
    state = error.sqlstate
    if state is None:
        # From the client library, about the connection.
        return (str(error).strip().splitlines() or ["the connection failed"])[0]
    return words(state, type(error).__name__, error.diag.message_primary)


def words(state: str, name: str, message: str | None) -> str:
    """Return what an error of the server says, without the data that it may quote.

    Args:
        state: Its SQLSTATE.
        name: The driver's name for it.
        message: The server's words, without details.

    Returns:
        As `said` does.
    """
    if state.startswith("22") or not message:
        # Data exceptions repeat the value in the message itself.
        message = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return f"{message}, SQLSTATE {state}"


def refused(error: psycopg.Error) -> WarehouseError | None:
    """Return what to tell the user about an error of the database.

    Args:
        error: The error.

    Returns:
        A message without any data; None when this program made a mistake, such as wrong SQL.
    """
    state = error.sqlstate
    is_of_connection = state is None and isinstance(error, psycopg.OperationalError)
    if state == _SYNTAX_ERROR or (state is None and not is_of_connection):
        return None
    advice = next((text for start, text in _ADVICE if (state or "08").startswith(start)), "")
    return WarehouseError(f"The database refused: {said(error)}. {advice}".rstrip())
