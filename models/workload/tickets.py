"""Tickets: the scripts of one group of clients, numbered in the order in which they are sent.

What ticket k sends (script, keys, arguments) depends on the seed and k alone, never on when it is
sent: the streams are consumed in the order of the numbers. So two variants of a scenario run the
same tickets, and can be compared ticket by ticket.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final, NamedTuple

from models.fence.policies import Policy
from models.redis.commands import COMMANDS
from models.redis.table import changes
from models.script.shebang import declares_no_writes
from models.service import Request
from models.workload.keys import draw_names
from sim.rng import BLOCK, Streams

_NUMBER: Final = b"{id}"
"""Stands for the ticket's number in arguments."""


@dataclass(frozen=True, slots=True)
class KeyPick:
    """Keys drawn from a set of names, all different."""

    names: tuple[bytes, ...]
    count: int
    exponent: float | None
    """Zipf exponent, 0 for uniform, None for always the first ones."""


@dataclass(frozen=True, slots=True)
class CallKind:
    """One kind of script or command that a group sends."""

    name: str
    weight: float
    body: bytes
    """Text of the script; empty for a command."""
    sha: bytes | None
    """Set when clients send EVALSHA."""
    command: tuple[bytes, ...]
    """The command; its keys go behind its name."""
    keys: tuple[bytes | KeyPick, ...]
    argv: tuple[bytes, ...]
    policy: Policy | None
    """A fence of its own instead of the variant's."""

    @property
    def numbered(self) -> bool:
        """Whether an argument holds the ticket's number."""
        return any(_NUMBER in text for text in (*self.argv, *self.command))

    @property
    def may_write(self) -> bool:
        """Whether it can write, as far as its text tells."""
        if not self.command:
            return not declares_no_writes(self.body)
        command = COMMANDS.get(self.command[0].upper())
        return command is None or changes(command)


class Ticket(NamedTuple):
    """One script to send."""

    id: int
    kind: int
    """Which of the group's kinds it is."""
    request: Request


def draw_tickets(streams: Streams, group: str, kinds: list[CallKind]) -> Iterator[Ticket]:
    """Endless tickets of a group, numbered from 0."""
    requests = [
        _requests(streams, f"workload/{group}/{number}", kind) for number, kind in enumerate(kinds)
    ]
    numbered = [kind.numbered for kind in kinds]
    for id, kind in enumerate(_choices(streams, group, [kind.weight for kind in kinds])):
        request = next(requests[kind])
        if numbered[kind]:
            number = b"%d" % id
            request.argv = [text.replace(_NUMBER, number) for text in request.argv]
            if request.command is not None:
                request.command = [text.replace(_NUMBER, number) for text in request.command]
        yield Ticket(id, kind, request)


def _choices(streams: Streams, group: str, weights: list[float]) -> Iterator[int]:
    if len(weights) == 1:
        yield from repeat(0)
    generator = streams.generator(f"workload/{group}/kind")
    shares = [weight / sum(weights) for weight in weights]
    while True:
        yield from generator.choice(len(weights), size=BLOCK, p=shares).tolist()


def _requests(streams: Streams, stream: str, kind: CallKind) -> Iterator[Request]:
    columns = [
        repeat([keys]) if isinstance(keys, bytes) else _picked(streams, f"{stream}/{place}", keys)
        for place, keys in enumerate(kind.keys)
    ]
    argv = list(kind.argv)
    name, rest = list(kind.command[:1]), kind.command[1:]
    for keys in _joined(columns):
        command = [*name, *keys, *rest] if name else None
        yield Request(keys, argv, kind.body, kind.sha, command, kind.policy)


def _joined(columns: list[Iterator[list[bytes]]]) -> Iterator[list[bytes]]:
    """Row by row, the parts of all columns one behind the other."""
    if len(columns) == 1:
        return columns[0]
    if not columns:
        return repeat([])
    return (list(chain.from_iterable(parts)) for parts in zip(*columns, strict=True))


def _picked(streams: Streams, stream: str, keys: KeyPick) -> Iterator[list[bytes]]:
    if keys.exponent is None:
        return repeat(list(keys.names[: keys.count]))
    generator = streams.generator(stream)
    return draw_names(generator, keys.names, count=keys.count, exponent=keys.exponent)
