"""A watchdog over one run, for what the run itself cannot see.

Between two events a run looks at its limits, and Python heeds Ctrl-C between two steps of its own.
Lua inside one of its C functions (a pattern that tries every way to match, say) comes to neither,
for seconds or for ever. lupa lets go of the interpreter while Lua runs, so a thread of its own goes
on: it hears SIGINT through the wakeup file descriptor, knows when the run's time is over, and when
the run has not answered a while after that, it ends the process. Nothing gentler is left to do: no
exception reaches C code. What was finished before is on disk already.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, NoReturn, TypeAlias

from readfence.exits import Exit
from sim.errors import LimitReached

GRACE_S: Final = 1.0
"""How long a run may take to answer Ctrl-C or the end of its time."""
_LOOK_S: Final = 3600.0
"""Seconds of one wait at most: systems bound what they take."""

GiveUp: TypeAlias = Callable[[KeyboardInterrupt | LimitReached], int]
"""Says what ended the process; returns its status. Called in another thread than the main one."""


@contextmanager
def watched(
    limit_s: float,
    *,
    over: Callable[[], LimitReached],
    give_up: GiveUp,
    grace_s: float = GRACE_S,
    answered: Callable[[], bool] | None = None,
) -> Iterator[None]:
    """Watch over what runs inside, in any process; Ctrl-C only from its main thread.

    When it goes on for `grace_s` after Ctrl-C, or after `limit_s` seconds, the process ends with
    what `give_up` makes of a `KeyboardInterrupt`, or of what `over` returns.

    What has its own way to end says with `answered` that it has heard, and then takes its time.
    SIGTERM is to it what Ctrl-C is, and a second signal ends the process at once.
    """
    ends, wakes = os.pipe()
    os.set_blocking(wakes, False)  # a signal handler must not wait
    hears = threading.current_thread() is threading.main_thread()
    before = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False) if hears else -1
    ending = threading.Lock()
    watch = partial(_watch, ends, limit_s, over, give_up, ending, grace_s, answered)
    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.acquire()  # too late where the thread has it: the process ends
        if hears:
            signal.set_wakeup_fd(before)
        os.close(wakes)
        thread.join()
        os.close(ends)


def _watch(
    ends: int,
    limit_s: float,
    over: Callable[[], LimitReached],
    give_up: GiveUp,
    ending: threading.Lock,
    grace_s: float,
    answered: Callable[[], bool] | None,
) -> None:
    until = time.monotonic() + limit_s + grace_s
    interrupts = 0
    while True:
        left = until - time.monotonic()
        if left > 0:
            if not select.select([ends], [], [], min(left, _LOOK_S))[0]:
                continue
            signals = os.read(ends, 512)
            if not signals:  # closed: the run is over
                return
            before = interrupts
            interrupts += signals.count(signal.SIGINT)
            if answered is not None:
                interrupts += signals.count(signal.SIGTERM)
                until = time.monotonic() if interrupts > 1 else until
            if interrupts and not before:
                until = min(until, time.monotonic() + grace_s)
        elif interrupts == 1 and answered is not None and answered():
            until = float("inf")
        elif ending.acquire(blocking=False):
            _end(give_up, KeyboardInterrupt() if interrupts else over())
        else:
            return


def _end(give_up: GiveUp, error: KeyboardInterrupt | LimitReached) -> NoReturn:
    status: int = Exit.ENVIRONMENT
    try:
        with suppress(OSError):
            status = give_up(error)
    finally:
        os._exit(status)
