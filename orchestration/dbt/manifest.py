"""What dbt's manifest says of the project's models."""

from collections.abc import Mapping
from typing import Any


def relations(manifest: Mapping[str, Any]) -> list[str]:
    """Return the tables and views that a complete build leaves behind.

    Args:
        manifest: dbt's manifest.

    Returns:
        Their names with their schemas.
    """
    return [
        f'"{node["schema"]}"."{node["alias"]}"'
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
    ]


def followers(manifest: Mapping[str, Any]) -> list[str]:
    """Return the models that follow the facts.

    Args:
        manifest: dbt's manifest.

    Returns:
        The names under which they keep their bookmarks.
    """
    return [
        node["name"]
        for node in manifest["nodes"].values()
        if any("close_changes" in hook["sql"] for hook in node["config"].get("post-hook", ()))
    ]


def tables(manifest: Mapping[str, Any]) -> dict[str, tuple[str, str, str]]:
    """Return where everything lies that has columns.

    Args:
        manifest: dbt's manifest.

    Returns:
        Database, schema and name of models, seeds, snapshots and sources, by their id there.
    """
    return {
        unique_id: (node["database"], node["schema"], node.get("identifier") or node["alias"])
        for unique_id, node in [*manifest["nodes"].items(), *manifest["sources"].items()]
        if node["resource_type"] in ("model", "seed", "snapshot", "source")
    }
