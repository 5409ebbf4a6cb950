"""Runs a command and measures its wall time and its peak memory.

The command is the child of a small process of its own. A process begins its life with the memory
peak of whoever started it, so a benchmark that holds much memory would be measured along with it.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from orchestration.project import project_root


@dataclass(frozen=True)
class ProcessRun:
    """What became of a command.

    Attributes:
        seconds: Wall time from its start to its end, including the start of Python.
        peak_rss_bytes: The most memory that it held resident at any moment, bytes.
        exit_code: Zero when it succeeded.
    """

    seconds: float
    peak_rss_bytes: int
    exit_code: int


def run_measured(
    command: Sequence[str], *, environment: Mapping[str, str], log_file: Path
) -> ProcessRun:
    """Run a command in the project's folder; it does not outlive an interruption.

    Args:
        command: The program and its arguments.
        environment: All of its environment variables.
        log_file: Where its output is appended.

    Returns:
        Its wall time, peak memory and exit code.

    Raises:
        ClickException: The program cannot be started.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.shared.processes", str(log_file), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=project_root(),
        env=dict(environment),
        text=True,
        start_new_session=True,
    ) as process:
        try:
            answer, _ = process.communicate()
        except BaseException:
            # Both processes at once; there is nothing worth saving in a throw-away database.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise click.ClickException(f"{command[0]} cannot be started. Run `make setup`.")
    return ProcessRun(**json.loads(answer))


def last_line(log_file: Path) -> str:
    """Return what a command said last.

    Args:
        log_file: Where its output was appended.

    Returns:
        The last line that is not blank; empty if it said nothing.
    """
    lines = log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _measure(log_file: str, command: Sequence[str]) -> None:
    """Run a command as the only child of this process and print what it took."""
    with Path(log_file).open("ab") as log:
        begun = time.perf_counter()
        try:
            exit_code = subprocess.call(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        except OSError as error:
            sys.exit(f"{command[0]}: {error.strerror}")
        seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    # Kilobytes everywhere but on macOS.
    peak_rss_bytes = peak if sys.platform == "darwin" else peak * 1024
    json.dump(
        {"seconds": seconds, "peak_rss_bytes": peak_rss_bytes, "exit_code": exit_code}, sys.stdout
    )


if __name__ == "__main__":
    _measure(sys.argv[1], sys.argv[2:])
