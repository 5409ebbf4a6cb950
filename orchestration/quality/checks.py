"""Runs suites of rules with Great Expectations and keeps what they found."""

import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from orchestration.database.connection import ConnectionSettings, connect
from orchestration.database.refusals import words
from orchestration.errors import WarehouseError
from orchestration.quality.rules import SPOT_CHECK, SPOT_CHECKED, SUITES, Rule, Suite
from orchestration.quality.site import write_site

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )
    from great_expectations.datasource.fluent.postgres_datasource import PostgresDatasource

# Rules read a layer where it lies; what builds have changed of it is looked up once for all rules.
_LAYERS = "layers"
_CHANGES = "changes"
# How SQLAlchemy begins to tell an error of the server.
_OF_DRIVER = re.compile(r"\(psycopg\.errors\.(\w+)\) (.*)")
_SPOT_CHECKS = 10
# One query returns the first twenty and counts all.
_FIRST_ROWS = "select *, count(*) over () as broken_rows from (\n{}\n) as broken limit 20"

# Executions have random ids: the next one after a random id is a random one, found by its key.
_DRAW = """
select coalesce(
    (
        select execution_id from marts.fct_task_executions
        where execution_id >= draws.pivot order by execution_id limit 1
    ),
    (select execution_id from marts.fct_task_executions order by execution_id limit 1)
) as execution_id
from (select gen_random_uuid() as pivot from generate_series(1, %s)) as draws
"""

# What the suite has to look at: the build that it looked at last, if the log tells everything that
# came after it, and the one up to which layers have been compared.
_BUILDS = """
select
    (
        select checked.build_id
        from quality.checked_builds as checked
        where
            checked.suite = %(suite)s
            and (
                checked.build_id >= compared.build_id - 1
                or checked.build_id >= (
                    select min(changes.build_id) - 1
                    from intermediate.int_execution_changes as changes
                )
            )
    ) as checked_until,
    compared.build_id as compared_until
from intermediate.int_bookmarks as compared
where compared.model_name = 'reconciled_days'
"""

_LOADS_OF_BUILDS = """
select load_id
from intermediate.int_processed_loads
where build_id > %s
order by load_id
"""

_MARK_CHECKED = """
insert into quality.checked_builds (suite, build_id)
values (%s, %s)
on conflict (suite) do update
set build_id = excluded.build_id, checked_at = clock_timestamp()
"""


@dataclass(frozen=True)
class CheckResult:
    """What became of one rule.

    Attributes:
        suite: The suite's name.
        rule: The rule.
        broken_rows: How many rows broke it.
        broken_ids: The ids of the first of them.
        limit: The limit that applied; None when the rule has none.
        query: Finds all rows that break the rule.
    """

    suite: str
    rule: Rule
    broken_rows: int
    broken_ids: list[dict[str, Any]]
    limit: Decimal | None
    query: str

    @property
    def is_success(self) -> bool:
        """Whether the rule holds."""
        return self.broken_rows == 0


def run_checks(
    connection: psycopg.Connection,
    settings: ConnectionSettings,
    suites: Sequence[Suite],
    *,
    full: bool,
    docs: Path | None = None,
) -> list[CheckResult]:
    """Check that the rules hold, and record what came of each in `quality.check_results`.

    A rule that cannot be evaluated is no result: nothing is recorded for its suite, and what builds
    have changed is looked at again the next time.

    Args:
        connection: To the warehouse's database, in autocommit mode.
        settings: Where that is.
        suites: What to check.
        full: Look at everything, and recompute executions drawn at random, instead of what builds
            have changed since each suite ran last.
        docs: Write a page about the state of the warehouse into this folder.

    Returns:
        All results.

    Raises:
        WarehouseError: The marts are not built, or a rule could not be evaluated.
    """
    limits = _limits(connection)
    check_id = uuid.uuid4()
    results: list[CheckResult] = []
    with _environment(settings), _expectations(settings) as context:
        for suite in suites:
            checked_until, compared_until = _builds(connection, suite)
            source, batch = _batch(connection, suite, None if full else checked_until)
            found = _validate(context, suite, source, batch, limits)
            if full and suite.name == SPOT_CHECKED:
                found.append(_spot_check(connection))
            # What has no notion of changes is always looked at as a whole.
            _record(connection, check_id, found, full=full or suite.changed is None)
            connection.execute(_MARK_CHECKED, (suite.name, compared_until))
            results += found
    if docs is not None:
        write_site(connection, docs)
    return results


def _limits(connection: psycopg.Connection) -> dict[str, Decimal]:
    try:
        cursor = connection.execute("select * from intermediate.int_quality_limits")
        row = cursor.fetchone()
    except psycopg.errors.UndefinedTable:
        raise WarehouseError("The marts are not built yet: run `make build`.") from None
    if row is None or cursor.description is None:
        raise WarehouseError("intermediate.int_quality_limits is empty: run `make build`.")
    return {column.name: value for column, value in zip(cursor.description, row, strict=True)}


@contextmanager
def _environment(settings: ConnectionSettings) -> Iterator[None]:
    """Let libpq find the password, which stands in no configuration."""
    before = dict(os.environ)
    os.environ.update(settings.environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def import_great_expectations() -> ModuleType:
    """Import Great Expectations, which takes seconds.

    Returns:
        The package.
    """
    # Before the import, which reads it: no usage statistics leave the machine.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations

    return great_expectations


@contextmanager
def _expectations(settings: ConnectionSettings) -> Iterator["EphemeralDataContext"]:
    """Open Great Expectations on the database; nothing of it is kept."""
    gx = import_great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    for source, is_looked_up in ((_LAYERS, False), (_CHANGES, True)):
        context.data_sources.add_postgres(
            source, connection_string=_url(settings), create_temp_table=is_looked_up
        )
    yield context


def _url(settings: ConnectionSettings) -> str:
    return settings.url().replace("postgresql://", "postgresql+psycopg://", 1)


def _builds(connection: psycopg.Connection, suite: Suite) -> tuple[int | None, int]:
    """Return the build that a suite has looked at last, and the one that it will look at now.

    The former is None when the suite has to look at everything: it never ran, or what came after
    that build has left the log.
    """
    row = connection.execute(_BUILDS, {"suite": suite.name}).fetchone()
    return row if row is not None else (None, 0)


def _batch(
    connection: psycopg.Connection, suite: Suite, checked_until: int | None
) -> tuple[str, str]:
    """Return the source and the query of the rows to look at; all when no build is named."""
    if checked_until is None or suite.changed is None:
        return _LAYERS, suite.batch
    loads = [load for (load,) in connection.execute(_LOADS_OF_BUILDS, (checked_until,))]
    changed = suite.changed.format(build=checked_until, loads=_array(connection, loads, "bigint"))
    return _CHANGES, "\n".join(("select * from (", suite.batch, ") as layer", "where", changed))


def _array(connection: psycopg.Connection, values: Sequence[str | int], kind: LiteralString) -> str:
    """Return an array as it stands in a query."""
    listed = sql.SQL("cast({} as {}[])").format(sql.Literal(list(values)), sql.SQL(kind))
    return listed.as_string(connection)


def _validate(
    context: "EphemeralDataContext",
    suite: Suite,
    source: str,
    batch: str,
    limits: dict[str, Decimal],
) -> list[CheckResult]:
    """Evaluate a suite.

    Raises:
        WarehouseError: A rule could not be evaluated.
    """
    import great_expectations as gx
    from great_expectations.expectations.metadata_types import FailureSeverity

    from orchestration.quality.expectation import BrokenRows

    rules = {rule.name: rule for rule in suite.rules}
    asset = cast("PostgresDatasource", context.data_sources.get(source)).add_query_asset(
        suite.name, query=batch
    )
    validation = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=suite.name,
            data=asset.add_batch_definition_whole_table(suite.name),
            suite=context.suites.add(
                gx.ExpectationSuite(
                    name=suite.name,
                    expectations=[
                        BrokenRows(
                            unexpected_rows_query=_FIRST_ROWS.format(suite.query_of(rule)),
                            severity=FailureSeverity(rule.severity),
                            description=rule.description,
                            meta={"rule": rule.name},
                        )
                        for rule in suite.rules
                    ],
                )
            ),
        )
    )
    outcome = validation.run(result_format="COMPLETE")
    results = []
    for expectation in cast("list[Any]", outcome.results):
        rule = rules[expectation.expectation_config.meta["rule"]]
        reason = _reason_it_failed(expectation)
        if reason is not None:
            raise WarehouseError(f"The rule {rule.name} could not be checked: {reason}")
        rows = expectation.result.get("details", {}).get("unexpected_rows", [])
        results.append(
            CheckResult(
                suite=suite.name,
                rule=rule,
                broken_rows=int(expectation.result["observed_value"]),
                broken_ids=[_id(row) for row in rows],
                limit=limits[rule.limit] if rule.limit else None,
                query=suite.query_of(rule).format(batch=f"(\n{batch}\n) as batch"),
            )
        )
    return results


def _id(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "broken_rows"}


def _reason_it_failed(expectation: Any) -> str | None:
    """Return why an expectation was not evaluated; Great Expectations calls that a failure."""
    raised = [
        details
        for details in (expectation.exception_info, *expectation.exception_info.values())
        if isinstance(details, dict) and details.get("raised_exception")
    ]
    if raised:
        return _without_data(str(raised[0].get("exception_message", "no reason was given")))
    if expectation.result.get("observed_value") is None:
        return "it gave no result"
    return None


def _without_data(message: str) -> str:
    """Return what the database said, of which Great Expectations keeps only the text."""
    found = _OF_DRIVER.match(message)
    if found is None:
        return message.split("\n", 1)[0]
    name, text = found.groups()
    return words(getattr(psycopg.errors, name).sqlstate, name, text)


def _spot_check(connection: psycopg.Connection) -> CheckResult:
    """Recompute a few executions outside the database, in a session that only reads."""
    from orchestration.explain.gather import explain

    drawn = {str(row[0]) for row in connection.execute(_DRAW, (_SPOT_CHECKS,)) if row[0]}
    wrong = []
    with connect(application_name="warehouse check") as reading:
        for execution_id in sorted(drawn):
            if not explain(reading, execution_id)["agrees"]:
                wrong.append({"execution_id": execution_id})
            reading.rollback()
    return CheckResult(SPOT_CHECKED, SPOT_CHECK, len(wrong), wrong, None, "warehouse explain ID")


def _record(
    connection: psycopg.Connection,
    check_id: uuid.UUID,
    results: Iterable[CheckResult],
    *,
    full: bool,
) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.check_results (check_id, suite, rule, severity, is_full, "
            "is_success, broken_rows, broken_ids, limit_value, query) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    check_id,
                    result.suite,
                    result.rule.name,
                    result.rule.severity,
                    full,
                    result.is_success,
                    result.broken_rows,
                    Jsonb(result.broken_ids, dumps=partial(json.dumps, default=str)),
                    result.limit,
                    result.query,
                )
                for result in results
            ],
        )


def suites_named(names: Sequence[str]) -> list[Suite]:
    """Return suites by name, all of them when none is named, in the order of the layers."""
    return [suite for name, suite in SUITES.items() if not names or name in names]
