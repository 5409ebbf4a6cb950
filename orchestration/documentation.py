"""Where the site about models and quality lies."""

import os
from pathlib import Path

from orchestration.project import state_directory


def documentation_folder() -> Path:
    """Return the folder of the site about models and quality.

    Returns:
        The one that `make docs` and the nightly job write.
    """
    return state_directory() / "docs"


def documentation_url() -> str:
    """Return where the site about models and quality lies.

    Returns:
        `WAREHOUSE_DOCS_URL` when it is set, for the web server that shows it; else the folder.
    """
    url = os.environ.get("WAREHOUSE_DOCS_URL")
    return url.rstrip("/") if url else documentation_folder().as_uri()
