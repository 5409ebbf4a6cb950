"""Holds sealed months to their proofs, and names what is not as it was."""

import datetime as dt
import hashlib
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from orchestration.buckets import BucketPath, folder_at
from orchestration.errors import WarehouseError, reason
from orchestration.proofs.prove import MADE_LATER, file_text
from orchestration.proofs.relations import (
    EXECUTIONS,
    FIGURES,
    PEOPLE,
    PRICES,
    RELATIONS,
    Prices,
    Relation,
    columns_of,
    row_sha256,
)

_NAMED_ROWS = 5
_LINKS = "ledger.month_links"
_DIGESTS = "ledger.day_digests"
_FIRST_DAY = dt.date.min
_MISSING_EXECUTIONS = """
select cast(sealed.execution_id as text)
from ledger.sealed_executions as sealed
where
    sealed.organization_id = %s
    and sealed.metric_date = %s
    and sealed.execution_id not in (
        select executions.execution_id
        from marts.fct_task_executions as executions
        where
            executions.organization_id = sealed.organization_id
            and executions.metric_date = sealed.metric_date
    )
order by sealed.execution_id
"""


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was when a month was proved.

    Attributes:
        relation: Where it stands.
        organization_id: Whose it is; None for a file of the archive.
        month: Of which month, its first day.
        day: Of which day; None where it is about the month.
        what: What is the matter with it, in words.
    """

    relation: str
    organization_id: UUID | None
    month: dt.date | None
    day: dt.date | None
    what: str

    def __str__(self) -> str:
        """Return it as one line."""
        whose = f"organization {self.organization_id}" if self.organization_id else None
        when = self.day or (f"{self.month:%Y-%m}" if self.month else None)
        place = ", ".join(str(part) for part in (self.relation, whose, when) if part)
        return f"{place}: {self.what}"


@dataclass(frozen=True)
class Month:
    """A sealed month of an organization.

    Attributes:
        month: Its first day.
        sealed_at: When it was sealed.
        made_at: When its proof was made; None while it has none.
        sha256: The hash of its link; None while it has none.
        row_count: How many rows its digests of figures are over.
        notes: What else there is to know, in sentences.
    """

    month: dt.date
    sealed_at: dt.datetime
    made_at: dt.datetime | None
    sha256: str | None
    row_count: int
    notes: list[str]


@dataclass(frozen=True)
class Organization:
    """The sealed months of an organization.

    Attributes:
        organization_id: Which.
        newest_sha256: The hash of its last month of figures, over all before it; None without one.
        months: Its months, of those that were asked for.
    """

    organization_id: UUID
    newest_sha256: str | None
    months: list[Month]


@dataclass
class Verification:
    """What was found.

    Attributes:
        organizations: What was looked at.
        differences: What is not as it was.
        right_archives: How many files of the archive are as they were written.
        unread_archives: The files that cannot be read from here, and why.
    """

    organizations: list[Organization]
    differences: list[Difference] = field(default_factory=list)
    right_archives: int = 0
    unread_archives: list[str] = field(default_factory=list)

    def require_right(self) -> None:
        """Go on only if nothing differs.

        Raises:
            WarehouseError: Something does; the message names the first of it.
        """
        if self.differences:
            raise WarehouseError(
                f"{len(self.differences):,} difference(s) from what was sealed, the first: "
                f"{self.differences[0]}. `warehouse verify` lists all; docs/proofs.md says what to "
                "do."
            )


def verify(
    connection: psycopg.Connection,
    organization_id: UUID | None = None,
    month: dt.date | None = None,
    *,
    only_newest: bool = False,
    expected: str | None = None,
) -> Verification:
    """Compute every hash again and compare.

    Args:
        connection: To the warehouse's database, in no transaction.
        organization_id: Only this organization, without the archive, which belongs to all of them.
        month: Only this month, its first day.
        only_newest: Only the newest month of each organization, without the archive.
        expected: A hash that somebody kept: one of the links must have it.

    Returns:
        What was found.

    Raises:
        WarehouseError: Nothing is sealed of the organization, or the month is not.
    """
    if connection.autocommit:
        # One state of everything, whatever retention does meanwhile.
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with connection.transaction():
        # The planner takes what it knows nothing about for a few rows, which loops would suit.
        connection.execute("set local enable_nestloop = off")
        verifier = _Verifier(connection, organization_id, month, only_newest)
        found = verifier.run(expected)
        if not (organization_id or only_newest):
            verifier.check_archives()
    return found


class _Verifier:
    """One verification in progress."""

    def __init__(
        self,
        connection: psycopg.Connection,
        organization_id: UUID | None,
        month: dt.date | None,
        only_newest: bool,
    ) -> None:
        self._connection = connection
        self._cursor = connection.cursor(row_factory=namedtuple_row)
        self._month = month
        self._links = self._rows(
            file_text("links.sql").format(
                hashes=file_text("link_sha256.sql").format(links=sql.SQL("ledger.month_links"))
            )
        )
        self._sealed = [
            row
            for row in self._rows(file_text("sealed_months.sql"))
            if organization_id in (None, row.organization_id)
        ]
        if organization_id and not self._sealed:
            raise WarehouseError(f"Nothing is sealed of an organization {organization_id}.")
        if month and month not in {row.month for row in self._sealed}:
            whose = f" of organization {organization_id}" if organization_id else ""
            raise WarehouseError(f"{month:%Y-%m}{whose} is not sealed.")
        # Also what is about an organization of which nothing else is left.
        self._links = [
            link for link in self._links if organization_id in (None, link.organization_id)
        ]
        self._organizations = sorted({row.organization_id for row in (*self._sealed, *self._links)})
        self._only_newest = only_newest
        self._found = Verification([])

    def run(self, expected: str | None) -> Verification:
        """Compare everything but the archive."""
        self._check_links()
        self._check_digests()
        for relation in RELATIONS:
            self._check_relation(relation)
        for prices in PRICES:
            self._check_strand(prices, FIGURES, sql.SQL("metric_date"), self._periods(False))
        self._describe()
        if expected and expected not in {link.sha256 for link in self._links}:
            self._tell(_LINKS, None, self._month, None, f"no link has the hash {expected}")
        return self._found

    def _rows(self, statement: sql.SQL | sql.Composed | bytes, parameters: Any = None) -> list[Any]:
        return self._cursor.execute(statement, parameters).fetchall()

    def _tell(
        self,
        relation: str,
        organization_id: UUID | None,
        month: dt.date | None,
        day: dt.date | None,
        what: str,
    ) -> None:
        self._found.differences.append(Difference(relation, organization_id, month, day, what))

    def _links_of(self, organization_id: UUID, strand: str) -> list[Any]:
        return [
            link
            for link in self._links
            if link.organization_id == organization_id and link.strand == strand
        ]

    # --- The ledger -------------------------------------------------------------------------------

    def _check_links(self) -> None:
        """Find links that were edited, deleted or added."""
        newest_made_at = max((link.made_at for link in self._links), default=None)
        for organization_id in self._organizations:
            for strand in (FIGURES, PEOPLE):
                links = self._links_of(organization_id, strand)
                self._check_chain(organization_id, strand, links)
                linked = {link.month for link in links}
                for row in self._sealed:
                    is_lost = row.organization_id == organization_id and row.month not in linked
                    # Whoever proves a month proves all that are sealed by then.
                    if is_lost and newest_made_at and row.sealed_at <= newest_made_at:
                        self._tell_of_month(
                            organization_id, row.month, f"its link of {strand} is missing"
                        )

    def _check_chain(self, organization_id: UUID, strand: str, links: list[Any]) -> None:
        if links and links[0].previous_sha256 is not None:
            self._tell_of_month(
                organization_id, links[0].month, f"the link of {strand} before it is missing"
            )
        for link in links:
            if not link.is_right:
                self._tell_of_month(
                    organization_id,
                    link.month,
                    f"link {link.link_id} of {strand} is not the hash of what it links: it, or a "
                    f"row of {_DIGESTS}, was changed, deleted or added",
                )
        for before, link in pairwise(links):
            if link.previous_sha256 != before.sha256:
                self._tell_of_month(
                    organization_id,
                    link.month,
                    f"link {link.link_id} of {strand} does not follow link {before.link_id}",
                )
            if strand == FIGURES and link.month <= before.month:
                self._tell_of_month(
                    organization_id, link.month, f"link {link.link_id} of figures is a second one"
                )

    def _tell_of_month(self, organization_id: UUID, month: dt.date, what: str) -> None:
        if self._month in (None, month):
            self._tell(_LINKS, organization_id, month, None, what)

    def _check_digests(self) -> None:
        """Find digests that were edited or added."""
        for row in self._rows(
            file_text("edited_digests.sql").format(linked_digests=file_text("linked_digests.sql")),
            {"organizations": self._organizations},
        ):
            month = row.metric_date.replace(day=1)
            if self._month in (None, month):
                what = "was added" if row.is_beside_links else "was changed"
                self._tell(
                    _DIGESTS,
                    row.organization_id,
                    month,
                    row.metric_date,
                    f"digest {row.digest_id}, of {row.strand} of {row.relation}, {what}",
                )

    # --- What was hashed --------------------------------------------------------------------------

    def _periods(self, by_month: bool) -> dict[str, list[Any]]:
        """Return the days of every organization to look at, as parameters of statements."""
        periods: dict[str, list[Any]] = {"organizations": [], "first_days": [], "until_days": []}
        for organization_id in self._organizations:
            months = [link.month for link in self._links_of(organization_id, FIGURES)]
            first, until = _FIRST_DAY, max(map(_month_after, months), default=_FIRST_DAY)
            if self._only_newest and months:
                first = max(months)
            if self._month:
                first, until = self._month, min(_month_after(self._month), until)
            elif not by_month:
                # The last days of a sealing, which belong to a month that is not sealed whole.
                days = [
                    row.digested_until
                    for row in self._sealed
                    if row.organization_id == organization_id and row.digested_until
                ]
                until = max([until, *days])
            periods["organizations"].append(organization_id)
            periods["first_days"].append(first)
            periods["until_days"].append(until)
        return periods

    def _check_relation(self, relation: Relation) -> None:
        periods = self._periods(relation.by_month)
        day = sql.SQL(relation.day)
        for strand in (FIGURES, PEOPLE) if relation.people else (FIGURES,):
            self._check_strand(relation, strand, day, periods)
        for row in self._rows(
            file_text("undigested_days.sql").format(
                periods=file_text("periods.sql"),
                stored_digests=_stored_digests(),
                relation=relation.identifier,
                day=day,
            ),
            periods | {"relation": relation.name, "strand": FIGURES},
        ):
            self._tell(
                relation.name,
                row.organization_id,
                row.metric_date.replace(day=1),
                row.metric_date,
                f"{row.row_count:,} row(s) stand there, and no digest: they were added, or the "
                "digest was deleted",
            )

    def _check_strand(
        self,
        relation: Relation | Prices,
        strand: str,
        day: sql.Composable,
        periods: dict[str, list[Any]],
    ) -> None:
        """Compare the days of which digests were made of the same columns, for each such list."""
        types = columns_of(self._connection, relation)
        asked = periods | {"relation": relation.name, "strand": strand}
        lists = self._rows(
            sql.SQL(
                "select distinct columns from ledger.day_digests "
                "where relation = %(relation)s and strand = %(strand)s"
            ),
            asked,
        )
        for (columns,) in lists:
            if lost := [name for name in columns if name not in types]:
                self._tell(
                    relation.name, None, self._month, None, f"lacks column(s) {', '.join(lost)}"
                )
                continue
            hashed = row_sha256(columns, types)
            for row in self._rows(
                file_text("different_days.sql").format(
                    periods=file_text("periods.sql"),
                    stored_digests=_stored_digests(),
                    hashed_rows=_hashed_rows(relation, day, hashed),
                ),
                asked | {"columns": columns},
            ):
                self._compare_rows(relation, strand, day, hashed, row)

    def _compare_rows(
        self,
        relation: Relation | Prices,
        strand: str,
        day: sql.Composable,
        hashed: sql.Composable,
        digest: Any,
    ) -> None:
        """Name the rows of a day that are not those of its digest."""
        present = self._rows(
            sql.SQL("select {}, {} from {} where {} order by 1").format(
                _key_text(relation),
                hashed,
                relation.identifier,
                sql.SQL("{} = any(%(price_ids)s)").format(sql.Identifier(relation.key))
                if isinstance(relation, Prices)
                else sql.SQL("organization_id = %(organization)s and {} = %(day)s").format(day),
            ),
            {
                "organization": digest.organization_id,
                "day": digest.metric_date,
                "price_ids": digest.price_ids,
            },
        )
        hashes = bytes(digest.row_digests or b"")
        stored = Counter(hashes[place : place + 32] for place in range(0, len(hashes), 32))
        unknown = []
        for key, row_digest in present:
            if stored[bytes(row_digest)]:
                stored[bytes(row_digest)] -= 1
            else:
                unknown.append(key)
        # Negative where rows that had left are back.
        missing = stored.total() - digest.removed_rows
        found = [
            f"{key} is not as it was sealed" if place < missing else f"{key} was added"
            for place, key in enumerate(unknown[:_NAMED_ROWS])
        ]
        if len(unknown) > _NAMED_ROWS:
            found.append(f"{len(unknown) - _NAMED_ROWS:,} more row(s) like these")
        if (lost := missing - len(unknown)) > 0:
            names = self._missing_keys(relation, digest)
            found.append(f"{lost:,} row(s) are missing{': ' if names else ''}{', '.join(names)}")
        elif missing < 0:
            found.append(f"{-missing:,} row(s) that had left are back")
        of_people = " (people)" if strand == PEOPLE else ""
        for what in found:
            self._tell(
                f"{relation.name}{of_people}",
                digest.organization_id,
                digest.metric_date.replace(day=1),
                digest.metric_date,
                what,
            )

    def _missing_keys(self, relation: Relation | Prices, digest: Any) -> list[str]:
        """Return the keys of missing rows where the ledger still knows them."""
        if isinstance(relation, Prices):
            known = self._rows(
                sql.SQL("select {} from {}").format(
                    sql.Identifier(relation.key), relation.identifier
                )
            )
            return [key for key in digest.price_ids if (key,) not in known]
        if relation == EXECUTIONS and not digest.removed_rows:
            rows = self._rows(
                _MISSING_EXECUTIONS.encode(), (digest.organization_id, digest.metric_date)
            )
            return [f"execution_id {key}" for (key,) in rows[:_NAMED_ROWS]]
        return []

    # --- What else there is to say ----------------------------------------------------------------

    def _describe(self) -> None:
        """List the months that were looked at."""
        left = self._rows(file_text("left_details.sql"))
        for organization_id in self._organizations:
            links = self._links_of(organization_id, FIGURES)
            sealed = [row for row in self._sealed if row.organization_id == organization_id]
            if self._only_newest:
                sealed = sealed[-1:]
            months = [
                self._month_of(row, links, left)
                for row in sealed
                if self._month in (None, row.month)
            ]
            if months:
                newest = links[-1].sha256 if links else None
                self._found.organizations.append(Organization(organization_id, newest, months))

    def _month_of(self, sealed: Any, links: list[Any], left: list[Any]) -> Month:
        link = next((link for link in links if link.month == sealed.month), None)
        notes = []
        if link is None:
            notes.append("It has no proof yet: the next `warehouse retention` makes one.")
        elif link.reason == MADE_LATER:
            notes.append("Its proof was made later than it was sealed, of what stood then.")
            if sealed.undigested_executions > 0:
                notes.append(
                    f"{sealed.undigested_executions:,} execution(s) had left by then: their "
                    "amounts are proved, in ledger.sealed_executions."
                )
        gone: dict[dt.date, list[str]] = {}
        for row in left:
            if (row.organization_id, row.month) == (sealed.organization_id, sealed.month):
                gone.setdefault(row.removed_on, []).append(f"{row.row_count:,} of {row.relation}")
        notes += [
            f"Left on {day}: {', '.join(rows)}. Their hashes stay in {_DIGESTS}."
            for day, rows in gone.items()
        ]
        notes += [
            f"People were linked anew on {renewed.made_at:%Y-%m-%d}: {renewed.reason}."
            for renewed in [
                link
                for link in self._links_of(sealed.organization_id, PEOPLE)
                if link.month == sealed.month
            ][1:]
        ]
        return Month(
            month=sealed.month,
            sealed_at=sealed.sealed_at,
            made_at=link.made_at if link else None,
            sha256=link.sha256 if link else None,
            row_count=sealed.row_count,
            notes=notes,
        )

    def check_archives(self) -> None:
        """Compare the files of the archive that can be read with the hashes in the ledger."""
        for row in self._rows(
            sql.SQL(
                "select file_name, month, content_sha256 from ledger.archives order by archive_id"
            )
        ):
            if self._month not in (None, row.month):
                continue
            try:
                found = _file_sha256(row.file_name)
            except OSError as error:
                self._found.unread_archives.append(f"{row.file_name}: {reason(error)}")
            except WarehouseError as error:
                self._found.unread_archives.append(error.message)
            else:
                if found == row.content_sha256:
                    self._found.right_archives += 1
                else:
                    self._tell(
                        "ledger.archives",
                        None,
                        row.month,
                        None,
                        f"{row.file_name} is not the file that was written",
                    )


def _month_after(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=31)).replace(day=1)


def _stored_digests() -> sql.Composable:
    """Return the query of the latest digest of each day that the links know."""
    return file_text("stored_digests.sql").format(linked_digests=file_text("linked_digests.sql"))


def _hashed_rows(
    relation: Relation | Prices, day: sql.Composable, hashed: sql.Composable
) -> sql.Composable:
    """Return the query of the rows of stored days, hashed as they stand.

    With an offset it stays a query of its own, whose rows are hashed once.
    """
    if isinstance(relation, Prices):
        return sql.SQL(
            "select used.organization_id, used.metric_date, prices.row_sha256 from "
            "(select organization_id, metric_date, unnest(price_ids) as price_id from stored) "
            "as used "
            "inner join ("
            "select {key} as price_id, {hashed} as row_sha256 from {relation} offset 0"
            ") as prices on used.price_id = prices.price_id"
        ).format(key=sql.Identifier(relation.key), hashed=hashed, relation=relation.identifier)
    return sql.SQL(
        "select organization_id, {day} as metric_date, {hashed} as row_sha256 from {relation} "
        "where (organization_id, {day}) in "
        "(select known.organization_id, known.metric_date from stored as known) offset 0"
    ).format(day=day, hashed=hashed, relation=relation.identifier)


def _key_text(relation: Relation | Prices) -> sql.Composable:
    """Return the expression that names a row: its key, column by column."""
    keys = (relation.key,) if isinstance(relation, Prices) else relation.key
    return sql.SQL("concat_ws(', ', {})").format(
        sql.SQL(", ").join(
            sql.SQL("{} || coalesce(cast({} as text), 'NULL')").format(
                sql.Literal(f"{key} "), sql.Identifier(key)
            )
            for key in keys
        )
    )


def _file_sha256(name: str) -> str:
    """Return the hash of a file on this machine or in a bucket."""
    path = folder_at(name)
    if isinstance(path, BucketPath):
        with tempfile.TemporaryDirectory(prefix="warehouse-") as folder:
            copy = Path(folder, "copy")
            path.fetch(copy)
            return _file_sha256(str(copy))
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()
