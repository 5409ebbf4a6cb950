"""The `warehouse` command: a thin door to the modules that do the work."""

import click

from orchestration.access.commands import roles
from orchestration.audit.commands import audit
from orchestration.database.commands import db, env
from orchestration.errors import WarehouseGroup
from orchestration.explain.commands import explain
from orchestration.instance.commands import ui
from orchestration.landing.commands import land, rejects
from orchestration.metrics.commands import metrics
from orchestration.prices.commands import prices
from orchestration.privacy.commands import privacy
from orchestration.proofs.commands import verify
from orchestration.quality.commands import check
from orchestration.receiver.commands import serve
from orchestration.retention.commands import retention
from orchestration.sample.commands import sample
from orchestration.serving.commands import app, mcp, token
from orchestration.sources.commands import import_source, pull_source
from orchestration.streams.commands import consume
from orchestration.summary.commands import summary


@click.group(cls=WarehouseGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ai-spend-warehouse")
def main() -> None:
    """AI Spend Warehouse: what AI coding work cost, and what it would have cost otherwise."""


for command in (
    app,
    audit,
    check,
    consume,
    db,
    env,
    explain,
    land,
    rejects,
    import_source,
    mcp,
    metrics,
    prices,
    privacy,
    pull_source,
    retention,
    roles,
    sample,
    serve,
    summary,
    token,
    ui,
    verify,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
