"""`readfence record`: the proxy from its first connection to the end of its file."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from readfence.console import out
from readfence.machine import wall_us
from readfence.recordings.hashing import Hashing
from readfence.recordings.proxy import Journal, Proxy
from sim.errors import InputError


def record_until_stopped(
    file: Path, *, listen: tuple[str, int], upstream: tuple[str, int], hash_values: bool
) -> int:
    """Record until told to stop; how many commands were recorded. Raises `InputError`."""
    try:
        with file.open("w", encoding="utf-8") as text:
            header = {
                "ev": "header", "session": file.stem, "split": "recorded", "lib": "",
                "t0": wall_us(), "hashed": hash_values,
            }  # fmt: skip
            text.write(json.dumps(header) + "\n")
            journal = Journal(text, Hashing() if hash_values else None)
            asyncio.run(_record(journal, listen, upstream, file))
            journal.write(everything=True)
            return journal.commands
    except OSError as error:
        raise InputError(f"{file}: cannot write there: {error.strerror}") from error


async def _record(
    journal: Journal, listen: tuple[str, int], upstream: tuple[str, int], file: Path
) -> None:
    try:
        _, writer = await asyncio.open_connection(*upstream)
        writer.close()
    except OSError as error:
        place = f"{upstream[0]}:{upstream[1]}"
        raise InputError(f"--upstream {place}: cannot connect: {error.strerror}") from error
    proxy = Proxy(*upstream, journal)
    tasks: dict[asyncio.Task[Any], None] = {}

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        tasks[task] = None
        task.add_done_callback(lambda done: tasks.pop(done, None))

    try:
        sockets = await asyncio.start_server(accept, *listen)
    except OSError as error:
        place = f"{listen[0]}:{listen[1]}"
        raise InputError(f"--listen {place}: cannot listen there: {error.strerror}") from error
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = sockets.sockets[0].getsockname()[1]
    out.print(
        f"recording {listen[0]}:{port} -> {upstream[0]}:{upstream[1]} to {file}", soft_wrap=True
    )
    out.file.flush()
    await stop.wait()
    sockets.close()
    await proxy.rest()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
