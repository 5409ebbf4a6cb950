"""The landing folder: what waits is landed and moved, what cannot be landed says why."""

import datetime as dt
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.events import execution, organization
from support.servers import Database, settings_of

from orchestration.database.embedded import EmbeddedServer
from orchestration.errors import WarehouseError
from orchestration.landing import inbox
from orchestration.landing.inbox import landing_folder, receive_files, waiting_files

DAY = dt.date(2026, 11, 26)


def put(folder: Path, name: str, *events: dict[str, Any]) -> Path:
    path = folder / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    return path


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def loads_of(database: Database) -> list[tuple[str, int, int]]:
    with database.connect() as connection:
        return connection.execute(
            "select source_name, lines_accepted, lines_rejected from raw.loads order by load_id"
        ).fetchall()


def test_files_are_landed_in_order_and_archived(database_18: Database, tmp_path: Path) -> None:
    folder = tmp_path / "landing"
    second = put(folder, "b.ndjson", execution(1), {"event": "nonsense"})
    first = put(folder, "a/a.ndjson", organization())
    packed = put(folder, "c.ndjson.gz")
    packed.write_bytes(gzip.compress(json.dumps(execution(2)).encode() + b"\n"))
    put(folder, ".hidden.ndjson", execution(3))
    put(folder, "growing.ndjson.part", execution(4))
    assert [file.path for file in waiting_files(folder)] == [first, second, packed]

    received = receive_files(folder, DAY)
    assert [file.reason for file in received] == [None, None, None]
    assert loads_of(database_18) == [
        (str(first), 1, 0),
        (str(second), 1, 1),
        (str(packed), 1, 0),
    ]
    assert files_in(folder) == [
        "archive/2026-11-26/a.ndjson",
        "archive/2026-11-26/b.ndjson",
        "archive/2026-11-26/c.ndjson.gz",
        "inbox/.hidden.ndjson",
        "inbox/growing.ndjson.part",
    ]


def test_what_cannot_be_landed_is_set_aside_with_the_reason(
    database_18: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "landing"
    put(folder, "picture.png", execution(1))
    put(folder, "empty.ndjson")
    put(folder, "good.ndjson", execution(2))
    put(folder, "wrong.ndjson", {"event": "nonsense"})
    received = receive_files(folder, DAY)
    assert [file.landed is not None for file in received] == [False, True, False, False]
    assert files_in(folder) == [
        "archive/2026-11-26/good.ndjson",
        "rejected/2026-11-26/empty.ndjson",
        "rejected/2026-11-26/empty.ndjson.reason.txt",
        "rejected/2026-11-26/picture.png",
        "rejected/2026-11-26/picture.png.reason.txt",
        "rejected/2026-11-26/wrong.ndjson",
        "rejected/2026-11-26/wrong.ndjson.reason.txt",
    ]
    reasons = folder / "rejected" / "2026-11-26"
    assert "is empty" in (reasons / "empty.ndjson.reason.txt").read_text()
    assert "has none of the endings" in (reasons / "picture.png.reason.txt").read_text()
    assert "every line was rejected" in (reasons / "wrong.ndjson.reason.txt").read_text()
    assert [load[1:] for load in loads_of(database_18)] == [(1, 0), (0, 1)]
    # Given back it is set aside again, and holds nothing up.
    (reasons / "wrong.ndjson").rename(folder / "inbox" / "wrong.ndjson")
    put(folder, "z.ndjson", execution(3))
    assert [file.landed is not None for file in receive_files(folder, DAY)] == [False, True]


def test_a_name_that_comes_again_replaces_no_file(database_18: Database, tmp_path: Path) -> None:
    folder = tmp_path / "landing"
    for number in (1, 2, 3):
        put(folder, "events.ndjson", execution(number))
        receive_files(folder, DAY)
    assert files_in(folder / "archive") == [
        "2026-11-26/2-events.ndjson",
        "2026-11-26/3-events.ndjson",
        "2026-11-26/events.ndjson",
    ]
    assert len(loads_of(database_18)) == 3


def test_a_kill_between_landing_and_moving_counts_nothing_twice(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "landing"
    put(folder, "events.ndjson", execution(1))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "_move", killed)
        with pytest.raises(KeyboardInterrupt):
            receive_files(folder, DAY)
    assert files_in(folder) == ["inbox/events.ndjson"]
    (received,) = receive_files(folder, DAY)
    assert received.landed
    assert received.landed.is_skipped
    assert files_in(folder) == ["archive/2026-11-26/events.ndjson"]
    assert len(loads_of(database_18)) == 1


def test_while_the_database_is_away_files_wait(
    make_server: Callable[..., EmbeddedServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server()
    server.start()
    for name, value in settings_of(server).environment().items():
        monkeypatch.setenv(name, value)
    server.stop()
    folder = tmp_path / "landing"
    put(folder, "events.ndjson", execution(1))
    with pytest.raises(WarehouseError, match="No connection to PostgreSQL"):
        receive_files(folder, DAY)
    assert files_in(folder) == ["inbox/events.ndjson"]


def test_the_folder_is_made_and_can_lie_elsewhere(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database_18
    assert landing_folder() == tmp_path / "warehouse home" / "landing"
    monkeypatch.setenv("WAREHOUSE_LANDING", str(tmp_path / "elsewhere"))
    assert receive_files(landing_folder(), DAY) == []
    assert (tmp_path / "elsewhere" / "inbox").is_dir()

    (tmp_path / "file").touch()
    with pytest.raises(WarehouseError, match="Choose another one with WAREHOUSE_LANDING"):
        receive_files(tmp_path / "file", DAY)
