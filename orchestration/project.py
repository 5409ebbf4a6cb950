"""Where the project lies and where it keeps its local state."""

import os
import re
from pathlib import Path

from orchestration.errors import WarehouseError

PROJECT_FILE = "dbt_project.yml"
_PROJECT_NAME = re.compile(r"^name:\s*['\"]?ai_spend_warehouse['\"]?\s*(#.*)?$", re.MULTILINE)


def project_root() -> Path:
    """Return the folder that holds this project's dbt_project.yml.

    The current folder and its parents come first, so that a second checkout can be used with an
    already installed package; then the folder that the package was installed from.

    Returns:
        The absolute path, with symbolic links resolved.

    Raises:
        WarehouseError: Neither place belongs to a checkout of the project.
    """
    current = Path.cwd()
    package = Path(__file__).resolve().parent
    for folder in (current, *current.parents, *package.parents):
        if _is_this_project(folder / PROJECT_FILE):
            return folder.resolve()
    raise WarehouseError(
        f"No {PROJECT_FILE} of the AI Spend Warehouse in {current} or above it. "
        "Change into a checkout of the project and try again."
    )


def state_directory() -> Path:
    """Return the folder for local state: the embedded server, its password and its log.

    Returns:
        `WAREHOUSE_HOME` when it is set, else `.warehouse` in the project root. The folder need
        not exist yet.

    Raises:
        WarehouseError: `WAREHOUSE_HOME` is unset and there is no project root.
    """
    override = os.environ.get("WAREHOUSE_HOME")
    if override:
        return Path(override).expanduser().resolve()
    return project_root() / ".warehouse"


def _is_this_project(project_file: Path) -> bool:
    """Tell this project's file from that of another dbt project that the user may stand in."""
    try:
        text = project_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return _PROJECT_NAME.search(text) is not None
