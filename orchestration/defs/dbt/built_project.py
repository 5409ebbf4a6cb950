"""What dbt's project consists of, and what of it the database was last built from."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml

from orchestration.project import PROJECT_FILE, project_root

_CODE = ("macros", "models", PROJECT_FILE, "snapshots", "tests/generic", "tests/singular")
_SEEDS = ("seeds",)

_RECORDED = """
select code_checksum, seeds_checksum
from raw.built_projects
where target_schema = 'public'
"""
_RECORD = """
insert into raw.built_projects (target_schema, code_checksum, seeds_checksum)
values ('public', %s, %s)
on conflict (target_schema) do update
set
    code_checksum = excluded.code_checksum,
    seeds_checksum = excluded.seeds_checksum,
    built_at = excluded.built_at
"""


@dataclass(frozen=True)
class ProjectChecksums:
    """What changes with the files that a build is made of.

    Attributes:
        code: Of models, macros, snapshots, tests and settings.
        seeds: Of the seeds and their descriptions.
    """

    code: str
    seeds: str


def current_checksums() -> ProjectChecksums:
    """Read the files of the project.

    Returns:
        Their checksums.

    Raises:
        WarehouseError: There is no project.
    """
    root = project_root()
    return ProjectChecksums(code=checksum(root, _CODE), seeds=checksum(root, _SEEDS))


def recorded_checksums(connection: psycopg.Connection) -> ProjectChecksums | None:
    """Return what the last complete build by Dagster was made of.

    Args:
        connection: To the warehouse's database.

    Returns:
        The checksums; nothing when there was no such build.
    """
    row = connection.execute(_RECORDED).fetchone()
    return ProjectChecksums(*row) if row else None


def record_checksums(connection: psycopg.Connection, checksums: ProjectChecksums) -> None:
    """Note what a build that has just succeeded was made of.

    Args:
        connection: To the warehouse's database; the caller commits.
        checksums: Those of the files as they were before the build began.
    """
    connection.execute(_RECORD, (checksums.code, checksums.seeds))


def project_variable(name: str) -> Any:
    """Return what a var is set to in dbt_project.yml.

    Args:
        name: The var.

    Returns:
        Its value.

    Raises:
        KeyError: There is no such var.
        WarehouseError: There is no project.
    """
    settings = yaml.safe_load((project_root() / PROJECT_FILE).read_text(encoding="utf-8"))
    return settings["vars"][name]


def checksum(root: Path, names: tuple[str, ...]) -> str:
    """Return what changes with the names and contents of files.

    Args:
        root: The folder of the project.
        names: Files and folders in it.

    Returns:
        A SHA-256, hexadecimal.
    """
    total = hashlib.sha256()
    for name in names:
        for file in _files(root / name):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            total.update(f"{file.relative_to(root).as_posix()} {content}\n".encode())
    return total.hexdigest()


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
