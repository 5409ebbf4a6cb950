"""Negotiated prices encrypted at rest: same costs, nothing to read, and clear refusals."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.events import ORGANIZATION_ID, execution, organization, uuid_of
from support.oracle import Oracle, Row
from support.processes import DBT, WAITING_FOR_A_LOCK, locked, wait_until
from support.servers import Database
from support.stories import (
    NOW,
    RECORDED_LATER,
    Project,
    Seeds,
    Story,
    copy_of,
    environment_of,
    keep_as,
    price,
    story_database,
)

from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.errors import WarehouseError
from orchestration.prices.book import Book
from orchestration.prices.encryption import (
    KEY,
    OLD_KEY,
    price_key,
    price_key_environment,
    rewrite_book,
)

pytest_plugins = ["support.stories"]

FIRST, SECOND, THIRD = ("Ab+/" + f"{number}" * 40 + "=" for number in (1, 2, 3))
FIRST_ID = "290d13bd"
"""`printf %s "$WAREHOUSE_PRICE_KEY" | sha256sum | cut -c1-8`"""

FILES = ("provider_pricing", "usage_prices", "price_factors")

SECRETS = ("2.718281828459", "31.41592653589", "1.414213562373", "0.577215664901")
"""Numbers of the negotiated rows that stand nowhere else."""

WINDOW = {"organization_id": ORGANIZATION_ID, "effective_from": "2026-01-01T00:00:00Z"}

NEGOTIATED = {
    "provider_pricing": price(
        "anthropic", "", **WINDOW, input_usd_per_mtok=SECRETS[0], output_usd_per_mtok=SECRETS[1]
    ),
    "usage_prices": WINDOW
    | {
        "provider": "anthropic",
        "usage": "web_searches",
        "usd_per_unit": SECRETS[2],
        "recorded_at": RECORDED_LATER,
        "source": "a contract, in writing",
    },
    "price_factors": WINDOW
    | {
        "kind": "agreement",
        "provider": "house",
        "factor": SECRETS[3],
        "recorded_at": RECORDED_LATER,
        "source": "a contract, in writing",
    },
}

COSTS = {1: "0.009001467136", 2: "4.251642154255", 3: "0.006464815447"}
"""Of a thousand input tokens in three parts, and 200 of output, at the organization's own rates; of
three searches beside them; and of the same tokens at list prices of 7 and 21 with the factor."""

NEVER_EDITED = "assert_price_rows_are_never_edited_or_deleted"

PRICE_TABLES = "+int_price_inputs"
"""What reads the price book, and the tests of it."""


@pytest.fixture(scope="module")
def priced(
    project: Project,
    debian_server: EmbeddedServer,
    migrated_template: object,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    """Yield a warehouse on PostgreSQL 15 that was built with plain negotiated prices."""
    seeds = Seeds(project.prices)
    assert callable(migrated_template)
    with story_database(debian_server, migrated_template(debian_server)) as database:
        story = Story(project, database, tmp_path_factory.mktemp("priced"))
        seeds.add("provider_pricing", price("house", "tuned"))
        for name, row in NEGOTIATED.items():
            seeds.add(name, row)
        story.land(
            organization(),
            execution(1),
            execution(2, other_usage={"web_searches": 3}),
            execution(3, provider="house", model="tuned"),
            execution(4, organization_id="33333333-3333-4333-8333-333333333333"),
        )
        story.build()
        for number, cost in COSTS.items():
            assert story.fact(uuid_of(1_000_000 + number))["cost_usd"] == Decimal(cost)
        story.assert_equals_oracle()
        yield keep_as(story, debian_server, f"{database.settings.dbname}_priced")
    seeds.restore()


@pytest.fixture
def story(
    priced: Story,
    debian_server: EmbeddedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Story]:
    """Yield a copy of that warehouse; its price files come back to what they were."""
    seeds = Seeds(priced.project.prices)
    for name in FILES:
        seeds.write(name, seeds.read(name))
    monkeypatch.chdir(priced.project.root)
    with copy_of(priced, debian_server, tmp_path) as made:
        yield made
    seeds.restore()


def prices(database: Database, *arguments: str) -> str:
    with environment_of(database):
        result = CliRunner().invoke(main, ["prices", *arguments])
    return f"{result.exit_code}: {result.output}"


def use(monkeypatch: pytest.MonkeyPatch, key: str | None, old_key: str | None = None) -> None:
    """Set the keys for commands, and for dbt's sessions as Dagster does."""
    for variable, value in ((KEY, key), (OLD_KEY, old_key), ("PGOPTIONS", None)):
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value)
    for variable, value in price_key_environment().items():
        monkeypatch.setenv(variable, value)


def ciphertexts(story: Story) -> list[str]:
    """Return the ciphertexts of the price files."""
    seeds = Seeds(story.project.prices)
    return [row["ciphertext"] for name in FILES for row in seeds.read(name) if row["ciphertext"]]


def key_ids(story: Story) -> set[str]:
    """Return the names of the keys that files and history are encrypted with."""
    remembered = [
        row["ciphertext"]
        for name in FILES
        for row in story.rows(
            f"select ciphertext from snapshots.{name}_history "  # noqa: S608 - a name above
            "where organization_id is not null"
        )
    ]
    return {(text or "plain").split(":")[0] for text in [*ciphertexts(story), *remembered]}


def rows_of_the_book(story: Story) -> str:
    """Return what stands at rest of the price book in the database, as text."""
    return "\n".join(
        str(row["held"])
        for schema, ending in (("reference", ""), ("snapshots", "_history"))
        for name in FILES
        for row in story.rows(f"select t::text as held from {schema}.{name}{ending} as t")  # noqa: S608
    )


def costs(story: Story) -> Row:
    return story.mart("fct_task_executions")


def failure(story: Story, *selection: str) -> str:
    with pytest.raises(AssertionError) as error:
        story.build(*selection, with_tests=True)
    return str(error.value)


def test_encrypted_prices_give_the_same_costs_and_are_read_nowhere(
    story: Story, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before, text = story.marts(), rows_of_the_book(story)
    assert all(secret in text for secret in SECRETS)
    plain = shutil.copytree(story.project.prices, tmp_path / "plain")

    use(monkeypatch, FIRST)
    assert prices(story.database, "encrypt") == (
        f"0: 3 rows of the price book encrypted with key {FIRST_ID}, and 3 in the database's "
        "history. Run `dbt build`.\n"
    )
    written = ciphertexts(story)
    assert len(written) == 3
    assert prices(story.database, "encrypt").startswith("0: 0 rows")
    assert ciphertexts(story) == written
    # Who compares the book with price lists reads it as before.
    assert len(Book.read(story.project.prices).files["price_factors"]) == len(
        Book.read(plain).files["price_factors"]
    )
    # All other lines are as they were.
    for name in FILES:
        old, new = ((folder / f"{name}.csv").read_bytes().splitlines() for folder in
                    (plain, story.project.prices))  # fmt: skip
        assert old[:-1] == new[:-1]

    # A process of its own, with everything that it can write about what it does.
    log, target = tmp_path / "log", tmp_path / "target"
    command = [
        *(str(DBT), "--log-level-file", "debug", "--log-path", str(log), "build"),
        *("--select", PRICE_TABLES, "--exclude-resource-type", "unit_test"),
        *("--vars", f'{{"now": "{NOW}"}}', "--project-dir", str(story.project.root)),
        *("--profiles-dir", str(story.project.root / "profiles"), "--target-path", str(target)),
    ]
    with environment_of(story.database):
        built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout
    folders = (log, target, story.project.prices, story.project.state)
    files = [path for folder in folders for path in folder.rglob("*")]
    held = {path: path.read_bytes() for path in files if path.is_file()}
    assert any(path.name == "dbt.log" for path in held)
    held[Path("standard output")] = (built.stdout + built.stderr).encode()
    held[Path("tables")] = rows_of_the_book(story).encode()
    assert [
        (path, secret)
        for path, content in held.items()
        for secret in (*SECRETS, FIRST)
        if secret.encode() in content
    ] == []

    # From nothing but the encrypted book.
    with story.database.connect() as connection:
        connection.execute(
            "truncate intermediate.int_price_rows, intermediate.int_usage_prices, "
            "intermediate.int_price_factors"
        )
    story.build(full_refresh=True)
    story.assert_equals(before)
    assert not story.rows("select * from marts.fct_cost_corrections")
    oracle = Oracle(story.events, plain, NOW)
    assert {key: fact["cost_usd"] for key, fact in costs(story).items()} == {
        key: fact["cost_usd"] for key, fact in oracle.task_executions.items()
    }

    assert prices(story.database, "decrypt").startswith("0: 3 rows of the price book decrypted.")
    assert {path.name: path.read_bytes() for path in plain.iterdir()} == {
        path.name: path.read_bytes() for path in story.project.prices.iterdir()
    }


def test_without_the_key_nothing_is_priced_and_it_is_said_why(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{KEY} is not set" in prices(story.database, "encrypt")
    use(monkeypatch, FIRST)
    assert prices(story.database, "encrypt").startswith("0: 3 rows")
    before = costs(story)

    use(monkeypatch, None)
    said = failure(story, PRICE_TABLES)
    assert "holds encrypted prices, and this session has no key for them" in said
    assert "Set WAREHOUSE_PRICE_KEY or WAREHOUSE_PRICE_KEY_FILE" in said
    use(monkeypatch, SECOND)
    said = failure(story, "int_price_rows")
    assert f"A price is encrypted with key {FIRST_ID}, and the key of this session is" in said
    assert FIRST_ID in prices(story.database, "encrypt")
    assert FIRST_ID in prices(story.database, "rotate")
    assert FIRST_ID in prices(story.database, "decrypt")

    use(monkeypatch, FIRST)
    with story.database.connect() as connection:
        connection.execute("drop extension pgcrypto")
    said = failure(story, "int_price_rows", "int_usage_prices", "int_price_factors")
    assert said.count("this database has no pgcrypto") == 3
    with story.database.connect() as connection:
        connection.execute("create schema elsewhere")
        connection.execute("create extension pgcrypto schema elsewhere")
    story.build("int_price_rows", "int_usage_prices", "int_price_factors")

    seeds = Seeds(story.project.prices)
    rows = seeds.read("provider_pricing")
    whole = rows[-1]["ciphertext"]
    rows[-1]["ciphertext"] = f"{whole[:60]}{'A' if whole[60] != 'A' else 'B'}{whole[61:]}"
    seeds.write("provider_pricing", rows)
    assert f"of a price of {ORGANIZATION_ID} recorded at" in failure(story, "provider_pricing")
    assert "is damaged" in prices(story.database, "decrypt")
    assert costs(story) == before


def test_an_edited_row_is_found_and_its_numbers_are_not_told(
    story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, FIRST)
    seeds = Seeds(story.project.prices)
    rows = seeds.read("provider_pricing")
    edited = rows[-1] | {"output_usd_per_mtok": "31.99"}
    wrong = edited | {"model": "new", "cached_input_usd_per_mtok": "77.77"}
    seeds.write("provider_pricing", [*rows[:-1], edited, wrong])
    assert prices(story.database, "encrypt").startswith("0: 4 rows")
    said = failure(story, "provider_pricing")
    assert said.splitlines()[1].startswith("prices_follow_their_rules: fail")
    (broken,) = story.rows("select * from quality.prices_follow_their_rules")
    assert broken["broken_rule"] == "charge no more for cached input than for input"

    seeds.write("provider_pricing", seeds.read("provider_pricing")[:-1])
    said += failure(story, "provider_pricing", "provider_pricing_history", NEVER_EDITED)
    (found,) = story.rows(f"select finding from quality.{NEVER_EDITED}")  # noqa: S608
    assert found["finding"].endswith(": edited, output_usd_per_mtok, which is encrypted")
    told = f"{said}{capsys.readouterr().out}{found}{broken}"
    assert not any(number in told for number in ("31.99", "77.77", *SECRETS))


def test_keys_are_replaced_also_when_that_is_killed_half_way(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FIRST)
    prices(story.database, "encrypt")
    story.build(PRICE_TABLES)
    tables = {name: found for name, found in story.identities().items() if "price" in name}
    old = {name: (story.project.prices / f"{name}.csv").read_bytes() for name in FILES}

    use(monkeypatch, SECOND, FIRST)
    command = [sys.executable, "-m", "orchestration.cli", "prices", "rotate"]
    with locked(story, "snapshots.price_factors_history", "access exclusive"):
        with environment_of(story.database):
            rotation = subprocess.Popen(
                command, env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            )
        with story.database.connect(autocommit=True) as watcher:
            wait_until(watcher, WAITING_FOR_A_LOCK, "price_factors_history")
        rotation.kill()
        rotation.wait()
    # The files are new, and one is not; the history is old.
    (story.project.prices / "usage_prices.csv").write_bytes(old["usage_prices"])
    second_id = key_ids(story) - {FIRST_ID}
    assert key_ids(story) > second_id
    assert len(second_id) == 1

    use(monkeypatch, THIRD, FIRST)
    before = ciphertexts(story)
    assert "which is neither" in prices(story.database, "rotate")
    assert ciphertexts(story) == before

    use(monkeypatch, SECOND, FIRST)
    assert prices(story.database, "rotate").startswith("0: 1 rows of the price book")
    assert key_ids(story) == second_id
    assert prices(story.database, "rotate").startswith("0: 0 rows of the price book")
    use(monkeypatch, SECOND)
    story.build(PRICE_TABLES, with_tests=True)
    assert key_ids(story) == second_id
    assert {name: found for name, found in story.identities().items() if "price" in name} == tables


def test_a_row_has_its_numbers_or_their_ciphertext(story: Story) -> None:
    seeds = Seeds(story.project.prices)
    encrypted = f"{FIRST_ID}:ww0ECQMC="
    (factor,) = (row for row in seeds.read("price_factors") if row["organization_id"])
    wrong = {
        "ciphertext: not what `warehouse prices encrypt` writes": {"ciphertext": "ww0ECQMC"},
        "ciphertext: only in a row of an organization, and in place of its numbers": {
            "ciphertext": encrypted,
            "factor": "0.5",
        },
        "factor: blank, and must not be": {"factor": ""},
        "ciphertext: only in a row of an organization": {
            "ciphertext": encrypted,
            "factor": "",
            "organization_id": "",
        },
    }
    right = factor | {"ciphertext": encrypted, "factor": ""}
    seeds.write("price_factors", [right, *(factor | cells for cells in wrong.values())])
    with pytest.raises(AssertionError) as error:
        story.project.run(story.database, "seed", "--select", "price_factors")
    said = [line.strip() for line in str(error.value).splitlines()]
    for number, fault in enumerate(wrong, start=3):
        assert any(line.startswith(f"row {number}, {fault}") for line in said), (fault, said)
    assert not any(line.startswith("row 2") for line in said)


def test_a_number_that_the_book_could_not_keep_is_not_encrypted(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FIRST)
    seeds = Seeds(story.project.prices)
    for cell in ("1e-7", "NaN", "-1", "123456789", "0.1234567890123"):
        seeds.write("price_factors", [NEGOTIATED["price_factors"] | {"factor": cell}])
        assert "price_factors.csv, line 2: factor" in prices(story.database, "encrypt")
        assert ciphertexts(story) == []


def test_a_server_without_pgcrypto_says_so(
    database_18: Database, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    use(monkeypatch, FIRST)
    for command in ("encrypt", "rotate", "decrypt"):
        assert "The embedded server does not have it" in prices(database_18, command)


def test_lines_that_do_not_change_keep_every_byte(tmp_path: Path) -> None:
    header = "kind,organization_id,factor,notes,ciphertext"
    kept = [f"\ufeff{header}\r\n", '"a",,  1.50,"two\r\nlines, ""quoted"""\r\n', "\r\n", "b,,2\r\n"]
    text = "".join([*kept, f'c,{ORGANIZATION_ID},3,"x, y",\r\n', f"d,{ORGANIZATION_ID},4"])
    for name in FILES:
        (tmp_path / f"{name}.csv").write_bytes(text.encode())

    def hide(row: dict[str, str]) -> dict[str, str]:
        return row | {"factor": "", "ciphertext": "x"} if row["organization_id"] else row

    assert rewrite_book(tmp_path, hide) == 6
    for name in FILES:
        assert (tmp_path / f"{name}.csv").read_bytes().decode() == "".join(
            [*kept, f'c,{ORGANIZATION_ID},,"x, y",x\r\n', f"d,{ORGANIZATION_ID},,,x\n"]
        )
    (tmp_path / "price_factors.csv").write_text("kind,factor\n", encoding="utf-8")
    with pytest.raises(WarehouseError, match="has no column ciphertext"):
        rewrite_book(tmp_path, hide)


def test_a_key_comes_from_the_environment_or_a_file_and_is_never_shown(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert price_key() is None
    assert price_key_environment() == {}
    monkeypatch.setenv(KEY, "short")
    with pytest.raises(WarehouseError, match="must be 32 characters or more"):
        price_key()
    monkeypatch.delenv(KEY)
    monkeypatch.setenv(f"{KEY}_FILE", str(tmp_path / "none"))
    with pytest.raises(WarehouseError, match=f"{KEY}_FILE cannot be read"):
        price_key()
    file = tmp_path / "a key"
    file.write_text(f"{FIRST}\n", encoding="utf-8")
    monkeypatch.setenv(f"{KEY}_FILE", str(file))
    assert price_key() == FIRST
    for variable, value in ((f"{KEY}_FILE", str(file)), (KEY, SECOND)):
        monkeypatch.setenv(variable, value)
        monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=7s")
        shown = CliRunner().invoke(main, ["env"]).output
        assert not any(key in shown for key in (FIRST, SECOND))
        known = subprocess.run(
            ["/bin/bash", "-c", f'{shown}\nprintf %s "$PGOPTIONS"'],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        expected = f"-c lock_timeout=7s -c app.price_key={price_key()}"
        assert known == expected
        assert price_key_environment() == {"PGOPTIONS": expected}
        monkeypatch.setenv("PGOPTIONS", known)
        assert "PGOPTIONS" not in CliRunner().invoke(main, ["env"]).output
        with database_18.connect() as connection:
            row = connection.execute("select current_setting('app.price_key')").fetchone()
            assert row == (price_key(),)
