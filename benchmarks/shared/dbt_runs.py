"""Runs dbt commands as a user would, each in a process of its own; copies the project for them."""

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.shared.processes import ProcessRun, last_line, run_measured
from orchestration.database.connection import connect
from orchestration.project import PROJECT_FILE, project_root

_COPIED_FOLDERS = ("models", "macros", "seeds", "snapshots", "tests", "profiles")
_FAILED = ("error", "fail", "skipped", "runtime error")


@dataclass(frozen=True)
class Dbt:
    """Runs dbt on a throw-away database, with its products in a folder of their own.

    Attributes:
        folder: For `target` and the logs.
        environment: Leads to the database.
        project: The folder of the dbt project, the checkout itself unless a copy is given.
    """

    folder: Path
    environment: dict[str, str]
    project: Path = field(default_factory=project_root)

    @property
    def _log_file(self) -> Path:
        return self.folder / "dbt.log"

    @property
    def _results_file(self) -> Path:
        return self.folder / "target" / "run_results.json"

    def run(self, *arguments: str) -> ProcessRun:
        """Run a dbt command.

        Args:
            *arguments: The command and what it takes.

        Returns:
            Its wall time in seconds and its exit code.
        """
        self._results_file.unlink(missing_ok=True)  # a run that ends early writes none
        return run_measured(
            [
                str(Path(sys.executable).with_name("dbt")),
                *arguments,
                f"--project-dir={self.project}",
                f"--profiles-dir={self.project / 'profiles'}",
                f"--target-path={self.folder / 'target'}",
                f"--log-path={self.folder / 'logs'}",
            ],
            environment=self.environment,
            log_file=self._log_file,
        )

    def results(self) -> list[dict[str, Any]]:
        """Return what the latest command did to each node.

        Returns:
            The results as dbt wrote them; none if dbt did not get that far.
        """
        try:
            text = self._results_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        results: list[dict[str, Any]] = json.loads(text)["results"]
        return results

    def manifest(self) -> dict[str, Any]:
        """Return what dbt knows about the project.

        Returns:
            The document as the latest command wrote it.
        """
        text = (self.folder / "target" / "manifest.json").read_text(encoding="utf-8")
        manifest: dict[str, Any] = json.loads(text)
        return manifest

    def failure_note(self, run: ProcessRun, name: str) -> str:
        """Say what went wrong.

        Args:
            run: The latest command.
            name: What to call it.

        Returns:
            Its exit code, the nodes that failed, what the first of them said and the rows that
            data tests found; nothing if it succeeded.
        """
        if run.exit_code == 0:
            return ""
        failed = [result for result in self.results() if result["status"] in _FAILED]
        names = [str(result["unique_id"]) for result in failed]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        # What was skipped says nothing; the others say why.
        reasons = [" ".join(str(result["message"]).split()) for result in failed]
        reason = next((text for text in reasons if text not in ("None", "Skipped")), "")
        found = [
            _first_rows(result["relation_name"])
            for result in failed
            if result.get("failures") and result.get("relation_name")
        ]
        return f"{name} ended with exit code {run.exit_code}: " + (
            "; ".join([f"{shown}: {reason}", *found]) if shown else last_line(self._log_file)
        )


def copy_of_project(folder: Path) -> Path:
    """Copy the dbt project, so that its files can be changed.

    Args:
        folder: Where the copy is made.

    Returns:
        The folder of its dbt_project.yml.
    """
    source, root = project_root(), folder / "project"
    root.mkdir()
    for name in _COPIED_FOLDERS:
        shutil.copytree(source / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (PROJECT_FILE, "selectors.yml"):
        if (source / name).exists():
            shutil.copy(source / name, root / name)
    return root


def _first_rows(relation: str) -> str:
    """Return the first rows that a data test found and stored."""
    query = f"select cast(to_jsonb(found) as text) from {relation} as found limit 3"  # noqa: S608
    with connect() as connection:
        return ", ".join(row for (row,) in connection.execute(query.encode()))
