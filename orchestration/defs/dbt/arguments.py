"""What Dagster asks dbt to do."""


def dbt_arguments(*, full_refresh: bool = False) -> list[str]:
    """Return the arguments of the dbt command that builds and tests the assets.

    Args:
        full_refresh: Rebuild incremental models from everything that has landed.

    Returns:
        The arguments without a selection, which dagster-dbt adds.
    """
    # Unit tests prove the SQL on made-up rows; they say nothing about the data of this build.
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if full_refresh:
        arguments.append("--full-refresh")
    return arguments
