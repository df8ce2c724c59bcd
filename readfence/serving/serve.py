"""`readfence serve`: a served world from its first connection to its record."""

import asyncio
import ipaddress
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from models.served import ServedWorld
from readfence.addresses import Address
from readfence.console import out
from readfence.exits import EnvironmentFailed, Exit, ended
from readfence.machine import CLIENTS_MAX, connections_max, steady_s
from readfence.runs import Result, unhurried_collector
from readfence.scenarios import Loaded, Variant
from readfence.serving.listener import Listener
from readfence.serving.metrics import Metrics
from readfence.serving.pace import Pace
from readfence.watchdog import watched
from sim.errors import InputError, LimitReached
from sim.kernel import Kernel
from sim.record import RunRecord

GRACE_S: Final = 5.0
"""How long a server may take to hear that it is to stop: its scripts end within that, usually."""
FOREVER_S: Final = 1e6


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    host: str
    port: int
    password: str
    speed: float | None
    """None: as fast as it goes."""
    metrics: Path | None
    quiet: bool


def serve_until_stopped(
    loaded: Loaded, variant: Variant, options: Options, keep: Callable[[Result], None]
) -> None:
    """Serve until told to stop; `keep` is handed the record of the session.

    Raises `InputError` when it would be open to the world, cannot listen there, or not write its
    snapshots; `EnvironmentFailed` when the last of them cannot be written any more.

    A server that is told to stop and does not hear it within `GRACE_S`, as inside a C function of
    Lua, or that is told twice, ends at once. What it has recorded until then is kept.
    """
    if not _is_loopback(options.host) and not options.password:
        raise InputError(
            f"--listen {options.host}: expected --requirepass with an address that others can "
            "reach, got no password"
        )
    session = _Session(loaded, variant, options)

    def give_up(error: KeyboardInterrupt | LimitReached) -> Exit:
        # The thread that serves must not go on while its world is read.
        sys.setswitchinterval(FOREVER_S)
        status = ended(error)
        if session.world is not None:
            keep(session.result(session.world))
        return status

    watch = watched(
        float("inf"),
        over=_no_limit,
        give_up=give_up,
        grace_s=GRACE_S,
        answered=lambda: session.answered,
    )
    try:
        with watch, unhurried_collector():
            world = asyncio.run(session.serve())
    finally:
        # After a bug, too: what was recorded up to then is kept.
        if session.world is not None:
            keep(session.result(session.world))
    if options.metrics is not None:
        try:
            Metrics(world).write(options.metrics)
        except InputError as error:
            raise EnvironmentFailed(str(error)) from error  # it could be written when it began


def _no_limit() -> LimitReached:
    raise AssertionError("a session has no limit")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Session:
    """One session, from its world to its record."""

    def __init__(self, loaded: Loaded, variant: Variant, options: Options) -> None:
        self.world: ServedWorld | None = None
        """Once it is served."""
        self.answered = False
        """Whether it has heard that it is to end."""
        self._loaded = loaded
        self._variant = variant
        self._options = options
        self._began = steady_s()

    def result(self, world: ServedWorld) -> Result:
        """What was recorded so far."""
        loaded, variant = self._loaded, self._variant
        record = RunRecord(
            readfence=version("readfence"),
            name=loaded.name,
            seed=loaded.scenario.seed,
            scenario=loaded.scenario.model_dump(mode="json", by_alias=True),
            variants=[world.record(variant.name, variant.settings)],
        )
        return Result(record, {variant.name: steady_s() - self._began})

    async def serve(self) -> ServedWorld:
        """From the first connection to the last reply."""
        options = self._options
        listener, kernel = Listener(), Kernel()
        pace = Pace(kernel, speed=options.speed, flush=listener.flush)
        world = ServedWorld(
            kernel,
            self._variant.system,
            seed=self._loaded.scenario.seed,
            clock=pace.clock,
            password=options.password.encode(),
            port=options.port,
        )
        world.start()
        metrics = Metrics(world)
        if options.metrics is not None:
            metrics.write(options.metrics)
        sockets = await _listening(listener.accept, options)
        settings = world.server.settings
        settings.room = connections_max
        settings.change(b"maxclients", b"%d" % connections_max(CLIENTS_MAX))
        world.server.port = sockets.sockets[0].getsockname()[1]
        stop = asyncio.Event()
        failures: list[BaseException] = []

        def fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            if "exception" not in context:
                loop.default_exception_handler(context)
                return
            if stop.is_set() or isinstance(context["exception"], OSError):
                return  # of a socket that cannot be opened: asyncio tries again, even in the end
            # asyncio would go on with a world in which nothing moves any more.
            failures.append(context["exception"])
            stop.set()

        asyncio.get_running_loop().set_exception_handler(fail)
        listener.attach(world.server, pace)
        pace.attach(world.server)
        world.server.stopping = stop.set
        world.server.metrics = metrics.as_json
        self.world = world
        with _heard(stop):
            self._tell(world.server.port)
            telling = asyncio.create_task(metrics.tell(options.metrics, quiet=options.quiet))
            await stop.wait()
            self.answered = True
            sockets.close()
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
            for connection in list(listener.connections.values()):
                connection.session.closing = True
                connection.flush()
            await sockets.wait_closed()
            if failures:
                raise failures[0]
            world.settle()
        return world

    def _tell(self, port: int) -> None:
        speed = self._options.speed
        shown = "as fast as it goes" if speed is None else f"{speed:g}x real time"
        place = Address(self._options.host, port)
        what = f"{self._loaded.name} ({self._variant.name})"
        out.print(f"serving {what} on {place}, {shown}", soft_wrap=True)
        out.file.flush()


async def _listening(accept: Callable[[], asyncio.Protocol], options: Options) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(accept, options.host, options.port, backlog=1024)
    except OSError as error:
        place = Address(options.host, options.port)
        raise InputError(f"{place}: cannot listen there: {error.strerror}") from error


@contextmanager
def _heard(stop: asyncio.Event) -> Iterator[None]:
    """Have a signal stop the session; the event loop's own way would deafen the watchdog."""
    loop = asyncio.get_running_loop()

    def hear(number: int, frame: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
