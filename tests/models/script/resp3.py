"""A RESP3 client, for asking a real Redis server what it answers, with the types it tells."""

from typing import Any

from models.replies import BigNumber, Boolean, Double, FlatMap, Reply, SetReply, Verbatim
from tests.models.redis.resp2 import Client


class Resp3Client(Client):
    """One connection, switched to RESP3."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.ask(b"HELLO", b"3")

    def _reply(self) -> Reply:
        kind = self._file.peek(1)[:1]
        if kind not in b"_#,(=%~*":
            return super()._reply()
        text = self._file.readline()[1:-2]
        if kind == b"_":
            return None
        if kind == b"#":
            return Boolean(text == b"t")
        if kind == b",":
            return Double(text)
        if kind == b"(":
            return BigNumber(text)
        if kind == b"=":
            data = self._file.read(int(text) + 2)[:-2]
            return Verbatim.of(data[4:], data[:3])
        if kind == b"%":
            return FlatMap(self._reply() for _ in range(2 * int(text)))
        if kind == b"~":
            return SetReply(self._reply() for _ in range(int(text)))
        return [self._reply() for _ in range(int(text))]


def typed(reply: Reply) -> Any:
    """A reply with the names of its types, which a comparison of subclasses does not see."""
    if isinstance(reply, list):
        return type(reply).__name__, [typed(element) for element in reply]
    if isinstance(reply, Verbatim):
        return "Verbatim", bytes(reply), reply.format
    return type(reply).__name__, reply
