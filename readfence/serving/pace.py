"""How virtual time passes while real clients wait: in step with real time, or as fast as it goes.

In step (`speed` 1 is real time, 10 ten times as fast), virtual time is moved to the present before
a request enters, and the reply leaves when virtual time has passed. At full speed (`speed` None),
or while the wall clock is stopped, requests are carried out to their end at once, one after the
other as they arrive: latencies are recorded, not waited for, and are those of requests that have
the cluster to themselves. Virtual time stands still while nobody asks for anything.

The simulation is run a piece at a time, so that connections are looked after in between.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from models.server.server import Server
from readfence.machine import steady_ns, wall_ns
from readfence.serving.clock import WallClock
from sim.kernel import Kernel
from sim.units import SECOND

PIECE: Final = 4096
"""Events that are run before connections are looked after again."""


class Pace:
    """Runs the kernel of a served world."""

    def __init__(self, kernel: Kernel, *, speed: float | None, flush: Callable[[], None]) -> None:
        """`flush` sends what is to be sent; it is called when a piece has been run."""
        self._kernel = kernel
        self._speed = speed
        self._flush = flush
        self._began = steady_ns()
        self._began_at = kernel.now
        self._began_wall = wall_ns()
        self.clock = WallClock(self._follow)
        self._server: Server | None = None
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def attach(self, server: Server) -> None:
        """Run this server from now on, in the running event loop."""
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._began = steady_ns()
        self._began_at = self._kernel.now
        server.one_by_one = lambda: self._hurried
        server.idle = self._kernel.halt
        server.alarm = self._set_alarm
        self._schedule()

    def _follow(self) -> int:
        if self._speed is None:
            return wall_ns()
        return self._began_wall + self._kernel.now - self._began_at

    @property
    def _hurried(self) -> bool:
        return self._speed is None or self.clock.is_stopped

    def _present(self) -> int:
        """The virtual instant that is now, when time passes in step."""
        assert self._speed is not None
        passed = steady_ns() - self._began
        return self._began_at + int(passed * self._speed)

    def arrive(self) -> None:
        """Something has arrived, or is about to enter: move virtual time to the present."""
        if not self._hurried:
            self._kernel.run_for(until_ns=self._present(), events_max=PIECE)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        server, kernel = self._server, self._kernel
        assert server is not None
        if self._hurried:
            while server.busy and kernel.run_for(until_ns=None, events_max=PIECE):
                if not self.clock.is_stopped:
                    break
            # Whoever waits for the clock to move would otherwise see replies before their time.
            more = server.busy > 0
        else:
            more = kernel.run_for(until_ns=self._present(), events_max=PIECE)
        self._flush()
        if more:
            self._schedule()
        elif not self._hurried:
            self._wait_for_next()

    def _wait_for_next(self) -> None:
        assert self._speed is not None
        if self._timer is not None:
            self._timer.cancel()
        due = self._kernel.next_event_ns()
        if due is not None:
            wait_s = (due - self._present()) / self._speed / SECOND
            self._timer = self._loop.call_later(max(wait_s, 0), self._run)

    def _set_alarm(self, deadline_ns: int) -> None:
        """Wake blocked clients at an instant of the wall clock, as long as it goes on by itself."""
        if self.clock.is_stopped:
            return
        left = max(deadline_ns - self.clock.read(), 0)
        if self._speed is None:
            self._loop.call_later(left / SECOND, self._ring)
        else:
            self._kernel.after(left, lambda _: self._ring())

    def _ring(self) -> None:
        assert self._server is not None
        if not self.clock.is_stopped:
            self._server.expire()
            self._schedule()
