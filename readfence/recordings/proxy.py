"""`readfence record`: a proxy in front of a Redis that writes down what passes.

It lets one command pass at a time, whichever client it comes from, and the next when the server has
answered: that gives one order of everything, which a replay can keep. Clients feel it as one more
round trip. A command that may wait (BLPOP) is known to be blocked when the server answers a PING
sent after it on another connection.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TextIO

from models.redis.commands import COMMANDS as DATA_COMMANDS
from models.resp.requests import Requests
from models.resp.typed import Typed, parse, text_to_json
from readfence.exits import EnvironmentFailed
from readfence.machine import wall_us
from readfence.recordings.hashing import Hashing

_ODD: Final = frozenset(
    b"SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE CLIENT QUIT RESET "
    b"SHUTDOWN MONITOR DEBUG".split()
)
"""Commands with any number of replies, or none."""
REST_S: Final = 2.0
"""How long the end of a recording waits for the command under way."""
_MESSAGES: Final = ("message", "pmessage", "smessage")


def encode_command(words: list[bytes]) -> bytes:
    """A command as bytes."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)


@dataclass(eq=False)
class Upstream:
    """One connection to the server, and what it still owes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    replies: list[tuple[Typed, int]] = field(default_factory=list)
    """Those that no command has taken yet, each with the instant (us) when it came."""
    blocked: dict[str, Any] | None = None
    """The event of a command that waits."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False


class Journal:
    """The file: events are written in their order, a blocked one when it has been answered."""

    def __init__(self, file: TextIO, hashing: Hashing | None) -> None:
        self._file = file
        self._hashing = hashing
        self._events: list[dict[str, Any]] = []
        self.commands = 0

    def add(self, event: dict[str, Any]) -> dict[str, Any]:
        """Note an event; one with `open_` set is written when that is gone."""
        self._events.append(event)
        return event

    def write(self, *, everything: bool = False) -> None:
        """Write what is complete, up to the first that is not. Raises `EnvironmentFailed`."""
        try:
            self._write(everything)
        except OSError as error:
            raise EnvironmentFailed(f"cannot be written: {error.strerror}") from error

    def _write(self, everything: bool) -> None:
        while self._events and (everything or not self._events[0].get("pending")):
            event = self._events.pop(0)
            if event.pop("pending", False):
                event["aborted"] = True
            if self._hashing is not None:
                event = self._hashing.hashed(event)
            self._file.write(json.dumps(event, ensure_ascii=False) + "\n")
        self._file.flush()


class Proxy:
    """All connections that pass through."""

    def __init__(self, host: str, port: int, journal: Journal) -> None:
        self._host = host
        self._port = port
        self._journal = journal
        self._turn = asyncio.Lock()
        self._connections = 0
        self._sequence = 0
        self._subscribed = False
        self._control: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        try:
            theirs = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            return
        self._connections += 1
        number = self._connections
        upstream = Upstream(*theirs)
        self._journal.add({"ev": "open", "conn": number, "after": self._sequence, "t": wall_us()})
        back = asyncio.create_task(self._pass_back(number, upstream, writer))
        try:
            await self._pass_on(number, upstream, reader)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            upstream.writer.close()
            back.cancel()
            writer.close()
            self._journal.add(
                {"ev": "close", "conn": number, "after": self._sequence, "t": wall_us()}
            )
            self._journal.write()

    async def rest(self) -> None:
        """Wait until the command that passes right now has been written down."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._turn.acquire(), REST_S)

    async def _pass_on(self, number: int, upstream: Upstream, reader: asyncio.StreamReader) -> None:
        requests = Requests()
        while not upstream.gone and (data := await reader.read(1 << 16)):
            requests.feed(data)
            while (words := requests.next()) is not None:
                while upstream.blocked is not None and not upstream.gone:
                    upstream.arrived.clear()
                    await upstream.arrived.wait()
                async with self._turn:
                    await self._command(number, upstream, words)
            if requests.error is not None:
                upstream.writer.write(data)  # the server will say what is wrong with it
                return

    async def _command(self, number: int, upstream: Upstream, words: list[bytes]) -> None:
        name = words[0].upper()
        command = DATA_COMMANDS.get(name)
        may_wait = name in _ODD or (command is not None and command.wait is not None)
        self._sequence += 1
        now = wall_us()
        event = self._journal.add(
            {
                "ev": "cmd", "seq": self._sequence, "conn": number, "t": now, "clk": now,
                "cmd": [text_to_json(word) for word in words], "pending": True,
            }
        )  # fmt: skip
        self._subscribed = self._subscribed or name.endswith(b"SUBSCRIBE")
        upstream.writer.write(encode_command(words))
        if not may_wait:
            while not upstream.replies and not upstream.gone:
                upstream.arrived.clear()
                await upstream.arrived.wait()
        if may_wait or self._subscribed:
            await self._barrier()
        replies, upstream.replies = upstream.replies, []
        if not replies and may_wait and name not in _ODD and not upstream.gone:
            event["blocked"] = True
            upstream.blocked = event
            return
        if len(replies) == 1:
            event["reply"] = replies[0][0]
        else:
            event["reply"] = {"multi": [reply for reply, _ in replies]} if replies else None
        event["lat"] = (replies[-1][1] if replies else wall_us()) - now
        event.pop("pending")
        self._journal.commands += 1
        self._journal.write()

    async def _barrier(self) -> None:
        """Wait until the server has done everything that was sent before."""
        if self._control is None:
            self._control = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._control
        for _ in range(2):
            writer.write(b"PING\r\n")
            await reader.readline()

    async def _pass_back(
        self, number: int, upstream: Upstream, writer: asyncio.StreamWriter
    ) -> None:
        data = b""
        while chunk := await upstream.reader.read(1 << 16):
            writer.write(chunk)
            data += chunk
            at = 0
            while at < len(data) and (found := parse(data, at)) is not None:
                reply, at = found
                self._received(number, upstream, reply)
            data = data[at:]
        upstream.gone = True
        upstream.arrived.set()
        writer.close()

    def _received(self, number: int, upstream: Upstream, reply: Typed) -> None:
        now = wall_us()
        if _is_message(reply):
            self._journal.add(
                {"ev": "push", "conn": number, "after": self._sequence, "t": now, "msg": reply}
            )
            return
        event = upstream.blocked
        if event is not None:
            event |= {"rseq": self._sequence, "rt": now, "reply": reply, "lat": now - event["t"]}
            del event["pending"]
            upstream.blocked = None
            self._journal.commands += 1
        else:
            upstream.replies.append((reply, now))
        upstream.arrived.set()


def _is_message(reply: Typed) -> bool:
    elements = reply.get(">") or reply.get("*") or []
    return len(elements) > 0 and elements[0].get("$") in _MESSAGES
