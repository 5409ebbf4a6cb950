"""Numbers of negotiated prices, encrypted in the price book and in what databases remember of it.

pgcrypto encrypts, on the server that the environment names: an OpenPGP message under a key from the
environment. Builds decrypt with the same function (`macros/pricing/create_decryption.sql`). Keys
reach the server as settings of a session, which no statement and no log of statements shows.
"""

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.database.refusals import said
from orchestration.errors import WarehouseError
from orchestration.output import open_output
from orchestration.prices.book import FACTORS, PRICING, USAGES, Row, is_number

KEY = "WAREHOUSE_PRICE_KEY"
"""The variable that holds the key; that with `_FILE` at its end names a file that does."""

OLD_KEY = "WAREHOUSE_PRICE_KEY_OLD"
"""The same for the key that is replaced."""

_ENCRYPTED = (PRICING, USAGES, FACTORS)
# Nothing that libpq's options or a shell would read as something else.
_KEY = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
# What macros/inputs/input_fault.sql lets through for numeric(20, 12).
_NUMBER = re.compile(r"0*\d{1,8}(\.\d{1,12}0*)?", re.ASCII)
_PGCRYPTO = """
select schemas.nspname
from pg_catalog.pg_extension as extensions
inner join pg_catalog.pg_namespace as schemas on extensions.extnamespace = schemas.oid
where extensions.extname = 'pgcrypto'
"""
_HISTORIES = """
select
    schemas.nspname,
    tables.relname,
    array_agg(columns.attname::text order by columns.attnum)
from pg_catalog.pg_class as tables
inner join pg_catalog.pg_namespace as schemas on tables.relnamespace = schemas.oid
inner join pg_catalog.pg_attribute as columns on tables.oid = columns.attrelid
where
    tables.relkind = 'r'
    and schemas.nspname ~ '(^|_)snapshots$'
    and tables.relname = any(%s)
    and columns.attnum > 0
    and not columns.attisdropped
group by 1, 2
"""

Change = Callable[[Row], Row]
"""Makes of a row the one that takes its place; the same one when nothing changes."""


@dataclass(frozen=True)
class PriceCipher:
    """Encrypts and decrypts the numbers of rows, over a session that knows the keys.

    Attributes:
        connection: The session.
        pgcrypto: The schema of the extension.
        key_id: The name of the key.
        old_key_id: That of the key that it replaces, None without one.
    """

    connection: psycopg.Connection
    pgcrypto: sql.Identifier
    key_id: str
    old_key_id: str | None

    def encrypt(self, row: Row) -> Row:
        """Put a ciphertext in the place of the numbers of an organization's row.

        Args:
            row: A row of the book; one that is encrypted already, or of no organization, stays.

        Returns:
            The row.

        Raises:
            WarehouseError: It is encrypted with another key, or a number is none that the book
                could keep.
        """
        if row["ciphertext"]:
            if _key_id_of(row) != self.key_id:
                raise WarehouseError(
                    f"A row is encrypted with key {_key_id_of(row)}, and {KEY} is key "
                    f"{self.key_id}: run `warehouse prices rotate` first."
                )
            return row
        numbers = {column: cell for column, cell in row.items() if is_number(column) and cell}
        if not (row["organization_id"] and numbers):
            return row
        for column, cell in numbers.items():
            if not _NUMBER.fullmatch(cell):
                raise WarehouseError(
                    f"{column} of a row recorded at {row['recorded_at']} is no number from 0 on "
                    "with at most 8 digits before the point and 12 after it."
                )
        encrypted = self._ask(
            "select translate(encode({}.pgp_sym_encrypt(%s, current_setting('app.price_key'), "
            "'cipher-algo=aes256'), 'base64'), E'\\n', '')",
            json.dumps(numbers),
        )
        return row | dict.fromkeys(numbers, "") | {"ciphertext": f"{self.key_id}:{encrypted}"}

    def decrypt(self, row: Row) -> Row:
        """Put the numbers of a row back in their place.

        Args:
            row: A row of the book; one that is not encrypted stays.

        Returns:
            The row.

        Raises:
            WarehouseError: It is encrypted with a key that is not known here, or damaged.
        """
        if not row["ciphertext"]:
            return row
        settings = {self.old_key_id: "app.price_key_old", self.key_id: "app.price_key"}
        setting = settings.get(_key_id_of(row))
        if setting is None:
            raise WarehouseError(
                f"A row is encrypted with key {_key_id_of(row)}, which is neither {KEY} "
                f"({self.key_id}) nor {OLD_KEY} ({self.old_key_id or 'not set'})."
            )
        try:
            numbers = self._ask(
                "select {}.pgp_sym_decrypt(decode(%s, 'base64'), current_setting(%s))",
                row["ciphertext"].partition(":")[2],
                setting,
            )
        except (psycopg.DataError, psycopg.errors.ExternalRoutineInvocationException):
            raise WarehouseError(
                f"The ciphertext of a row of {row['organization_id']} recorded at "
                f"{row['recorded_at']} is damaged."
            ) from None
        plain: Row = json.loads(numbers)
        return row | plain | {"ciphertext": ""}

    def rotate(self, row: Row) -> Row:
        """Encrypt a row anew that is encrypted with the old key.

        Args:
            row: A row of the book; any other one stays.

        Returns:
            The row.

        Raises:
            WarehouseError: It is encrypted with a third key, or damaged.
        """
        if not row["ciphertext"] or _key_id_of(row) == self.key_id:
            return row
        return self.encrypt(self.decrypt(row))

    def _ask(self, statement: str, *parameters: str) -> str:
        query = sql.SQL(statement).format(self.pgcrypto)
        found = self.connection.execute(query, parameters).fetchone()
        assert found is not None  # noqa: S101
        return str(found[0])


def price_key(variable: str = KEY) -> str | None:
    """Return the key for negotiated prices that the environment holds.

    Args:
        variable: Its variable.

    Returns:
        The key, None when there is none.

    Raises:
        WarehouseError: The file cannot be read, or the key is too short or of other characters.
    """
    key, file = os.environ.get(variable), os.environ.get(f"{variable}_FILE")
    if not key and file:
        try:
            key = Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise WarehouseError(f"{variable}_FILE cannot be read: {error}") from None
    if key and not _KEY.fullmatch(key):
        raise WarehouseError(
            f"{variable} must be 32 characters or more out of letters, digits, + / = _ and -. "
            "`openssl rand -base64 32` makes one."
        )
    return key or None


def price_key_environment() -> dict[str, str]:
    """Return the variables with which dbt's sessions know the key: secret, unlike all others.

    Returns:
        `PGOPTIONS` with the key added; nothing when there is no key or it is there already.

    Raises:
        WarehouseError: As `price_key`.
    """
    key, options = price_key(), os.environ.get("PGOPTIONS", "")
    setting = f"-c app.price_key={key}"
    return {} if key is None or setting in options else {"PGOPTIONS": f"{options} {setting}"}


@contextmanager
def open_cipher() -> Iterator[PriceCipher]:
    """Open a session on the database that knows the keys of the environment.

    Yields:
        What encrypts and decrypts there.

    Raises:
        WarehouseError: There is no key, no connection or no pgcrypto.
    """
    key, old_key = price_key(), price_key(OLD_KEY)
    if key is None:
        raise WarehouseError(
            f"{KEY} is not set. Make a key with `openssl rand -base64 32`, and keep it apart from "
            "the price book and from backups of the database: who loses it loses the prices."
        )
    options = [os.environ.get("PGOPTIONS", ""), f"-c app.price_key={key}"]
    if old_key:
        options.append(f"-c app.price_key_old={old_key}")
    with connect(
        application_name="warehouse prices", autocommit=True, options=" ".join(options)
    ) as connection:
        require_migrated(connection)
        try:
            connection.execute("create extension if not exists pgcrypto")
        except psycopg.Error as error:
            raise WarehouseError(
                "This server does not let us use pgcrypto, which encrypts prices: "
                f"{said(error)} The embedded server does not have it; with another one, run "
                "`create extension pgcrypto` as the owner of the database."
            ) from None
        found = connection.execute(_PGCRYPTO).fetchone()
        assert found is not None  # noqa: S101
        yield PriceCipher(
            connection,
            sql.Identifier(found[0]),
            _key_id(key),
            _key_id(old_key) if old_key else None,
        )


def rewrite_book(folder: Path, change: Change) -> int:
    """Change rows of the files of the price book; all other lines stay as they are.

    Nothing is written unless every row can be changed. Each file is replaced as a whole, so that
    what was interrupted can be run again.

    Args:
        folder: The folder of the files.
        change: What becomes of a row.

    Returns:
        The number of rows that changed.

    Raises:
        WarehouseError: A file cannot be read or written, or a row cannot be changed.
    """
    changed = {
        path: _rewritten(path, change)
        for path in (folder.joinpath(f"{name}.csv") for name in _ENCRYPTED)
    }
    for path, (text, rows) in changed.items():
        if rows:
            with open_output(path) as file:
                file.write(text.encode())
    return sum(rows for _, rows in changed.values())


def rewrite_history(connection: psycopg.Connection, change: Change) -> int:
    """Change rows of what a database remembers of the price book.

    Args:
        connection: A session that owns the snapshots.
        change: What becomes of a row.

    Returns:
        The number of rows that changed; 0 in a database without a build.

    Raises:
        WarehouseError: An older version built the snapshots, or a row cannot be changed.
    """
    tables = connection.execute(_HISTORIES, ([f"{name}_history" for name in _ENCRYPTED],))
    histories = [
        (sql.Identifier(schema, table), columns) for schema, table, columns in tables.fetchall()
    ]
    rows = {table.as_string(): 0 for table, _ in histories}
    with connection.transaction():
        for table, columns in histories:
            if "ciphertext" not in columns:
                raise WarehouseError(
                    f"An older version built {table.as_string()}: run `dbt build` first."
                )
            cells = [column for column in columns if column == "ciphertext" or is_number(column)]
            read = sql.SQL("select dbt_scd_id, {} from {}").format(
                sql.SQL(", ").join(
                    sql.SQL("coalesce(cast({0} as text), '') as {0}").format(sql.Identifier(column))
                    for column in (*cells, "organization_id", "recorded_at")
                ),
                table,
            )
            write = sql.SQL("update {} set {} where dbt_scd_id = %(dbt_scd_id)s").format(
                table,
                sql.SQL(", ").join(
                    sql.SQL("{} = nullif({}, ''){}").format(
                        sql.Identifier(column),
                        sql.Placeholder(column),
                        sql.SQL("::numeric" if is_number(column) else ""),
                    )
                    for column in cells
                ),
            )
            with connection.cursor(row_factory=dict_row) as cursor:
                for row in cursor.execute(read).fetchall():
                    replacement = change(row)
                    if replacement != row:
                        connection.execute(write, replacement)
                        rows[table.as_string()] += 1
    for table, _ in histories:
        if rows[table.as_string()]:
            # What an update leaves behind would stay in the table's file.
            connection.execute(sql.SQL("vacuum (full, analyze) {}").format(table))
    return sum(rows.values())


def _rewritten(path: Path, change: Change) -> tuple[str, int]:
    """Return the text of a file with its rows changed, and how many did."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise WarehouseError(f"{path} cannot be read: {error}") from None
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines)
    header = [name.removeprefix("\ufeff") for name in next(reader, [])]
    if "ciphertext" not in header:
        raise WarehouseError(f"{path} has no column ciphertext: add it as the last one.")
    written, rows, end = io.StringIO(newline=""), 0, reader.line_num
    written.writelines(lines[:end])
    for cells in reader:
        begin, end = end, reader.line_num
        row = dict.fromkeys(header, "") | dict(zip(header, cells, strict=False))
        try:
            replacement = change(row) if cells else row
        except WarehouseError as error:
            raise WarehouseError(f"{path}, line {begin + 1}: {error.message}") from None
        if replacement == row:
            written.writelines(lines[begin:end])
        else:
            line = lines[end - 1]
            ending = line[len(line.rstrip("\r\n")) :] or "\n"
            csv.DictWriter(written, header, lineterminator=ending).writerow(replacement)
            rows += 1
    return written.getvalue(), rows


def _key_id_of(row: Row) -> str:
    return row["ciphertext"].partition(":")[0]


def _key_id(key: str) -> str:
    """Return the name of a key, by which a ciphertext says what it was encrypted with."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]
