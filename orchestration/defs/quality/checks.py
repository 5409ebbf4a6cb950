"""One asset check per rule of `warehouse check`; a broken critical one stops the outputs."""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from orchestration.database.connection import connect, current_settings
from orchestration.defs.retries import retried_when_connection_is_lost
from orchestration.documentation import documentation_folder
from orchestration.quality.checks import CheckResult, run_checks, suites_named
from orchestration.quality.rules import SPOT_CHECK, SPOT_CHECKED, SUITES, Rule, Severity

ASSETS = {
    # Not raw.loads: what stands on it is built in the step that these checks come after.
    "landing": ["quality", "reconciled_loads"],
    "price_book": ["marts", "dim_prices"],
    "executions": ["marts", "fct_task_executions"],
    "decisions": ["marts", "fct_routing_decisions"],
    "rollups": ["intermediate", "int_organization_days"],
    "reconciliation": ["quality", "reconciled_days"],
}
"""The table that each suite speaks of. Not a view: most builds leave views as they are, and Dagster
skips what stands on an asset that its run did not build."""


class CheckOptions(dg.Config):
    """What a run's configuration may ask for."""

    full: bool = Field(
        False,
        description="Look at everything, recompute ten executions, write the site with results.",
    )


def check_specs() -> list[dg.AssetCheckSpec]:
    """Describe the rules as checks.

    Returns:
        One check a rule; the critical ones block.
    """
    rules = [(suite.name, rule) for suite in SUITES.values() for rule in suite.rules]
    return [
        dg.AssetCheckSpec(
            name=rule.name,
            asset=ASSETS[suite],
            description=f"{rule.description} (Great Expectations, suite {suite}, {rule.severity})",
            blocking=rule.severity is Severity.CRITICAL,
            metadata={"suite": suite, "severity": rule.severity.value},
        )
        for suite, rule in [*rules, (SPOT_CHECKED, SPOT_CHECK)]
    ]


@dg.multi_asset_check(name="quality_checks", specs=check_specs(), can_subset=True)
def quality_checks(
    context: dg.AssetCheckExecutionContext, config: CheckOptions
) -> Iterator[dg.AssetCheckResult]:
    """Check what builds have changed with Great Expectations, or everything.

    Args:
        context: The run's context.
        config: The run's options.

    Yields:
        What became of each rule.

    Raises:
        WarehouseError: The marts are not built, or a rule could not be evaluated.
    """
    asked = {tuple(key.asset_key.path) for key in context.selected_asset_check_keys}
    names = [suite for suite, path in ASSETS.items() if tuple(path) in asked]
    with (
        retried_when_connection_is_lost(),
        connect(application_name="warehouse dagster", autocommit=True) as connection,
    ):
        results = run_checks(
            connection,
            current_settings(),
            suites_named(names),
            full=config.full,
            docs=documentation_folder() if config.full else None,
        )
    for result in results:
        # A suite is evaluated as a whole; only what was asked for is told.
        if dg.AssetCheckKey(dg.AssetKey(ASSETS[result.suite]), result.rule.name) in (
            context.selected_asset_check_keys
        ):
            yield as_asset_check_result(result)


def as_asset_check_result(result: CheckResult) -> dg.AssetCheckResult:
    """Tell Dagster what became of a rule.

    Args:
        result: The result.

    Returns:
        Red for critical rules, a warning for others. Rules that only list what is to be looked at
        pass and tell how much there is.
    """
    rule: Rule = result.rule
    metadata: dict[str, dg.MetadataValue] = {
        "broken_rows": dg.MetadataValue.int(result.broken_rows),
        "query": dg.MetadataValue.md(f"```sql\n{result.query}\n```"),
    }
    if result.limit is not None:
        metadata["limit"] = dg.MetadataValue.text(f"{result.limit.normalize():f}")
    if result.broken_ids:
        metadata["broken_ids"] = dg.MetadataValue.json(
            [{name: str(value) for name, value in row.items()} for row in result.broken_ids]
        )
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(ASSETS[result.suite]),
        check_name=rule.name,
        passed=result.is_success or rule.severity is Severity.INFO,
        severity=dg.AssetCheckSeverity.ERROR
        if rule.severity is Severity.CRITICAL
        else dg.AssetCheckSeverity.WARN,
        description=rule.description
        if result.is_success
        else f"{rule.description} Broken by {result.broken_rows:,} row(s).",
        metadata=metadata,
    )
