"""`readfence serve`: a served world from its first connection to its record."""

import asyncio
import ipaddress
import signal
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from models.served import ServedWorld
from readfence.addresses import Address
from readfence.console import out
from readfence.machine import steady_s
from readfence.runs import Result, unhurried_collector
from readfence.scenarios import Loaded, Variant
from readfence.serving.listener import Listener
from readfence.serving.metrics import Metrics
from readfence.serving.pace import Pace
from sim.errors import InputError
from sim.kernel import Kernel
from sim.record import RunRecord


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


def serve_until_stopped(loaded: Loaded, variant: Variant, options: Options) -> Result:
    """Serve until told to stop; gives the record of the session.

    Raises `InputError` when it would be open to the world, or cannot listen there.
    """
    if not _is_loopback(options.host) and not options.password:
        raise InputError(
            f"--listen {options.host}: expected --requirepass with an address that others can "
            "reach, got no password"
        )
    began = steady_s()
    with unhurried_collector():
        world = asyncio.run(_serve(loaded, variant, options))
    record = RunRecord(
        readfence=version("readfence"),
        name=loaded.name,
        seed=loaded.scenario.seed,
        scenario=loaded.scenario.model_dump(mode="json", by_alias=True),
        variants=[world.record(variant.name, variant.settings)],
    )
    return Result(record, {variant.name: steady_s() - began})


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _serve(loaded: Loaded, variant: Variant, options: Options) -> ServedWorld:
    listener, kernel = Listener(), Kernel()
    pace = Pace(kernel, speed=options.speed, flush=listener.flush)
    world = ServedWorld(
        kernel,
        variant.system,
        seed=loaded.scenario.seed,
        clock=pace.clock,
        password=options.password.encode(),
        port=options.port,
    )
    world.start()
    loop = asyncio.get_running_loop()
    try:
        sockets = await loop.create_server(
            listener.accept, options.host, options.port, backlog=1024
        )
    except OSError as error:
        taken = Address(options.host, options.port)
        raise InputError(f"{taken}: cannot listen there: {error.strerror}") from error
    world.server.port = sockets.sockets[0].getsockname()[1]
    stop = asyncio.Event()
    listener.attach(world.server, pace)
    pace.attach(world.server)
    world.server.stopping = stop.set
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    metrics = Metrics(world)
    world.server.metrics = metrics.as_json
    shown = "as fast as it goes" if options.speed is None else f"{options.speed:g}x real time"
    place = Address(options.host, world.server.port)
    out.print(f"serving {loaded.name} ({variant.name}) on {place}, {shown}", soft_wrap=True)
    out.file.flush()
    telling = asyncio.create_task(metrics.tell(options.metrics, quiet=options.quiet))
    await stop.wait()
    sockets.close()
    telling.cancel()
    with suppress(asyncio.CancelledError):
        await telling
    for connection in list(listener.connections.values()):
        connection.session.closing = True
        connection.flush()
    await sockets.wait_closed()
    world.settle()
    if options.metrics is not None:
        metrics.write(options.metrics)
    return world
