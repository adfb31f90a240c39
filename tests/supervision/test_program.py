"""A program around a tree: what signals do, and that it ends, with a code and a report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30


class Running:
    """One of programs.py, running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[str] = []

    def await_line(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen.append(line.strip())
            if line.strip() == text:
                return
        raise AssertionError(f"{text!r} was not said: {self.seen}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Exit code and stderr."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        self.seen += out.splitlines()
        return self.process.returncode, err


@contextmanager
def running(name: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "tests.supervision.programs", name]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        reaper = threading.Timer(PATIENCE_S, process.kill)
        reaper.start()
        try:
            yield Running(process)
        finally:
            reaper.cancel()
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_and_the_exit_code_is_0(number) -> None:
    with running("drains") as program:
        program.await_line("SupervisorStarted app")
        program.signal(number)
        assert program.end() == (0, f"{number.name}: draining\n")
        assert program.seen[-2:] == ["ChildStopped obedient", "SupervisorStopped app"]


def test_the_second_signal_cancels() -> None:
    with running("does_not_drain") as program:
        program.await_line("SupervisorStarted app")
        program.signal(signal.SIGTERM)
        program.await_line("ChildDraining deaf")
        program.signal(signal.SIGINT)
        assert program.end() == (0, "SIGTERM: draining\nSIGINT: cancelling\n")


def test_the_third_signal_ends_the_process_with_a_report() -> None:
    with running("does_not_drain") as program:
        program.await_line("SupervisorStarted app")
        program.process.send_signal(signal.SIGTERM)
        program.await_line("ChildDraining deaf")
        # Both are handled by one turn of the loop at the earliest, the cancelled child's end by the next.
        program.process.send_signal(signal.SIGSTOP)
        program.process.send_signal(signal.SIGINT)
        program.process.send_signal(signal.SIGTERM)
        program.process.send_signal(signal.SIGCONT)
        code, err = program.end()
        assert code in (128 + signal.SIGTERM, 128 + signal.SIGINT)
        assert "ending the process\napp " in err
        assert "  deaf " in err


def test_a_child_that_will_not_end_is_named_with_the_place_it_is_at_and_ends_the_process() -> None:
    with running("does_not_end") as program:
        program.await_line("SupervisorStarted app")
        program.signal(signal.SIGTERM)
        program.await_line("ChildDraining stubborn")
        program.signal(signal.SIGTERM)
        code, err = program.end()
        assert code == 70
        assert "ChildOrphaned stubborn" in program.seen
        assert "task stubborn is at:" in err
        assert "in deep_inside" in err


def test_a_root_that_gives_up_is_a_non_zero_exit_with_a_report() -> None:
    with running("gives_up") as program:
        code, err = program.end()
        assert code == 1
        assert "app gave up" in err
        assert "  broken    failed" in err
        assert "spent 2; ZeroDivisionError: an error of its own" in err
        assert "last error of broken:\nTraceback" in err
        assert "  obedient  stopped" in err
        assert "ChildStopped obedient" in program.seen


def test_a_thread_left_behind_does_not_keep_the_process() -> None:
    with running("leaves_a_thread") as program:
        program.await_line("SupervisorStarted app")
        program.signal(signal.SIGTERM)
        code, err = program.end()
        assert code == 0
        assert "threads do not end; ending the process: forgotten thread" in err


def test_a_task_left_behind_does_not_keep_the_process() -> None:
    with running("leaves_a_task") as program:
        program.await_line("SupervisorStarted app")
        program.signal(signal.SIGTERM)
        code, err = program.end()
        assert code == 0
        assert "task forgotten task is at:" in err
        assert "in deep_inside" in err


def test_a_failure_outside_the_tree_is_told() -> None:
    with running("fails_outside_the_tree") as program:
        code, err = program.end()
        assert code == 70
        assert "ZeroDivisionError: before there was a tree" in err


@pytest.mark.parametrize(("debug", "library"), [("", "uvloop"), ("1", "asyncio.unix_events")])
def test_asyncios_debug_mode_has_asyncios_own_loop(debug: str, library: str) -> None:
    program = """
import asyncio
from ordersys.supervision import run_main

async def main():
    print(type(asyncio.get_running_loop()).__module__)
    return 0

raise SystemExit(run_main(main))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONASYNCIODEBUG": debug},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == library
