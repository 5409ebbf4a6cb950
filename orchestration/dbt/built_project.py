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
READ_BY_DBT = (*_CODE, *_SEEDS, "profiles", "selectors.yml")
"""The files and folders of which dbt's manifest is made."""

_RECORDED = """
select code_checksum, seeds_checksum
from ledger.built_projects
where target_schema = 'public'
"""
_RECORD = """
insert into ledger.built_projects (target_schema, code_checksum, seeds_checksum)
values ('public', %s, %s)
on conflict (target_schema) do update
set
    code_checksum = excluded.code_checksum,
    seeds_checksum = excluded.seeds_checksum,
    built_at = excluded.built_at
"""
_IS_COMPLETE = """
select bool_and(to_regclass(relation_name) is not null)
from unnest(cast(%s as text [])) as relations (relation_name)
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


@dataclass(frozen=True)
class Standing:
    """What is in the database already as a build would make it.

    Attributes:
        views: Whether the views are.
        seeds: Whether the seeds are, and their snapshots.
    """

    views: bool
    seeds: bool


NOTHING_STANDS = Standing(views=False, seeds=False)


def current_checksums(root: Path) -> ProjectChecksums:
    """Read the files of the project.

    Args:
        root: The folder of the project.

    Returns:
        Their checksums.
    """
    return ProjectChecksums(code=checksum(root, _CODE), seeds=checksum(root, _SEEDS))


def what_stands(
    connection: psycopg.Connection, checksums: ProjectChecksums, relations: list[str]
) -> Standing:
    """Compare the files with those that the database was built from.

    Args:
        connection: To the warehouse's database.
        checksums: Those of the files.
        relations: The tables and views that a complete build leaves behind.

    Returns:
        What a build can leave as it is; nothing while a relation is missing.
    """
    built = _recorded_checksums(connection)
    (is_complete,) = connection.execute(_IS_COMPLETE, (relations,)).fetchone() or (False,)
    return unchanged_since(built, checksums) if built and is_complete else NOTHING_STANDS


def unchanged_since(built: ProjectChecksums, checksums: ProjectChecksums) -> Standing:
    """Compare the files with those that a complete build was made of.

    Args:
        built: Checksums of the files then.
        checksums: Those of the files now.

    Returns:
        What a build can leave as it is, where nothing else has changed.
    """
    is_same_code = built.code == checksums.code
    return Standing(views=is_same_code, seeds=is_same_code and built.seeds == checksums.seeds)


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


def _recorded_checksums(connection: psycopg.Connection) -> ProjectChecksums | None:
    """Return what the last complete build by Dagster was made of."""
    row = connection.execute(_RECORDED).fetchone()
    return ProjectChecksums(*row) if row else None


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
