"""`readfence record`: the proxy from its first connection to the end of its file."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from readfence.addresses import Address
from readfence.console import out
from readfence.exits import EnvironmentFailed
from readfence.machine import CLIENTS_MAX, ONE_TOO_MANY, connections_max, wall_us
from readfence.recordings.hashing import Hashing
from readfence.recordings.proxy import Journal, Proxy
from sim.errors import InputError

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


def record_until_stopped(
    file: Path, *, listen: Address, upstream: Address, hash_values: bool
) -> int:
    """Record until told to stop; how many commands were recorded.

    Raises `InputError` before anything is recorded, `EnvironmentFailed` when the file takes no
    more.
    """
    return asyncio.run(_record(file, listen, upstream, hash_values=hash_values))


async def _record(file: Path, listen: Address, upstream: Address, *, hash_values: bool) -> int:
    tasks: dict[asyncio.Task[Any], None] = {}
    stop = asyncio.Event()
    failures: list[BaseException] = []

    room = connections_max(CLIENTS_MAX, files_each=2)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(tasks) >= room:
            writer.write(ONE_TOO_MANY)
            writer.close()
            return
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        tasks[task] = None
        task.add_done_callback(done)

    def done(task: asyncio.Task[Any]) -> None:
        del tasks[task]
        if not task.cancelled() and (failure := task.exception()) is not None:
            failures.append(failure)
            stop.set()

    def fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # A socket that cannot be opened is tried again by asyncio, even in the end.
        if not stop.is_set() and not isinstance(context.get("exception"), OSError):
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(fail)
    sockets = await _both_ends(accept, listen, upstream)
    with closing(sockets), _new(file) as text:
        header = {
            "ev": "header", "session": file.stem, "split": "recorded", "lib": "",
            "t0": wall_us(), "hashed": hash_values,
        }  # fmt: skip
        text.write(json.dumps(header) + "\n")
        journal = Journal(text, Hashing() if hash_values else None)
        journal.write()
        proxy = Proxy(upstream.host, upstream.port, journal)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await sockets.start_serving()
        bound = Address(listen.host, sockets.sockets[0].getsockname()[1])
        out.print(f"recording {bound} -> {upstream} to {file}", soft_wrap=True)
        out.file.flush()
        await stop.wait()
        sockets.close()
        if not failures:
            await proxy.rest()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if failures:
            raise failures[0]
        journal.write(everything=True)
    return journal.commands


async def _both_ends(accept: Accept, listen: Address, upstream: Address) -> asyncio.Server:
    """A server that does not accept anybody yet. Raises `InputError`, which tells of both ends."""
    problems = []
    try:
        sockets = await asyncio.start_server(accept, listen.host, listen.port, start_serving=False)
    except OSError as error:
        problems.append(f"--listen {listen}: cannot listen there: {error.strerror or error}")
    try:
        _, writer = await asyncio.open_connection(upstream.host, upstream.port)
        writer.close()
    except OSError as error:
        if not problems:
            sockets.close()
        problems.append(f"--upstream {upstream}: cannot connect: {error.strerror or error}")
    if problems:
        raise InputError("; ".join(problems))
    return sockets


@contextmanager
def _new(file: Path) -> Iterator[TextIO]:
    """A file to write as events come: what was recorded is there whatever happens later.

    Raises `InputError` when it holds something, or there is no writing there.
    """
    try:
        if file.is_file() and file.stat().st_size:
            raise InputError(f"{file}: expected a new file, got one that holds something")
        text = file.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot write there: {error.strerror}") from error
    try:
        yield text
    except EnvironmentFailed as error:
        raise EnvironmentFailed(f"{file}: {error}") from error
    finally:
        with suppress(OSError):  # told already, when the last events were written
            text.close()
