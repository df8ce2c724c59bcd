"""The watchdog over a run; what ends the process runs in one of its own."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from readfence.exits import Exit
from readfence.watchdog import watched
from sim.errors import LimitReached

HANGS = """\
import os, signal, sys, threading, time
from readfence.watchdog import watched
from sim.errors import LimitReached

def give_up(error):
    print(type(error).__name__, error, threading.current_thread().name, flush=True)
    {give_up}

def hang():
    with watched({limit_s}, over=lambda: LimitReached("over"), give_up=give_up):
        print("begun", flush=True)
        time.sleep(600)

signal.signal(signal.SIGINT, lambda *_: None)  # like C code, which no exception reaches
{start}
"""
IN_MAIN = "hang()"
ELSEWHERE = "thread = threading.Thread(target=hang); thread.start(); thread.join()"


def never() -> LimitReached:
    """For runs that end in time."""
    raise AssertionError("the run ended in time")


def hanging(
    give_up: str = "return 4", limit_s: float = 3600, start: str = IN_MAIN
) -> subprocess.Popen[str]:
    """A process whose run answers nothing."""
    program = HANGS.format(give_up=give_up, limit_s=limit_s, start=start)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent.parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_run_that_ends_in_time_is_left_alone() -> None:
    """Nothing of the watchdog stays: no thread, no file descriptor, no ear for signals."""
    threads, files = threading.active_count(), len(os.listdir("/dev/fd"))  # noqa: PTH208
    with watched(3600, over=never, give_up=lambda error: 4):
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
    assert len(os.listdir("/dev/fd")) == files  # noqa: PTH208
    assert signal.set_wakeup_fd(-1) == -1


def test_what_a_run_raises_comes_through() -> None:
    """A limit that the run itself found, or Ctrl-C, in the usual way."""
    for error in (LimitReached("mine"), KeyboardInterrupt()):
        with pytest.raises(type(error)), watched(3600, over=never, give_up=lambda error: 4):
            raise error


@pytest.mark.parametrize("start", [IN_MAIN, ELSEWHERE], ids=["main thread", "another thread"])
def test_a_run_that_goes_on_after_its_time_ends_the_process(start: str) -> None:
    """With what was to be said, and the status that came back."""
    with hanging(limit_s=0.1, start=start) as process:
        assert process.communicate(timeout=30)[0] == "LimitReached over watchdog\n"
    assert process.returncode == Exit.INCONCLUSIVE


def test_a_run_that_does_not_heed_ctrl_c_ends_the_process() -> None:
    """Once is enough."""
    with hanging(give_up="return 130") as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "KeyboardInterrupt  watchdog\n"
    assert process.returncode == Exit.INTERRUPTED


def test_other_signals_are_not_ctrl_c() -> None:
    """Say, a terminal that changes its size, for which a program has a handler."""
    start = "import signal; signal.signal(signal.SIGUSR1, lambda *_: None); hang()"
    with hanging(give_up="return 4", limit_s=0.5, start=start) as process:
        process.send_signal(signal.SIGUSR1)
        assert process.communicate(timeout=30)[0] == "LimitReached over watchdog\n"


def test_the_process_ends_even_if_nothing_can_be_said() -> None:
    """When stderr is gone, say."""
    with hanging(give_up="raise BrokenPipeError", limit_s=0.1) as process:
        process.communicate(timeout=30)
    assert process.returncode == Exit.ENVIRONMENT
