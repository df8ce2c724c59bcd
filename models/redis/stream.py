"""A stream: entries in nodes, as Redis packs them, and consumer groups.

The nodes matter to whoever looks: `MAXLEN ~` removes whole nodes only, so what it removes depends
on how entries were packed, down to the bytes (`listpack.py`). An entry deleted inside a node leaves
a hole; a node goes when its last entry does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple, TypeAlias

from models.redis.listpack import EMPTY_BYTES, integer_bytes, text_bytes

StreamId: TypeAlias = tuple[int, int]
"""Milliseconds and sequence number."""
ZERO: Final[StreamId] = (0, 0)
PART_MAX: Final = 2**64 - 1
LAST: Final[StreamId] = (PART_MAX, PART_MAX)

NODE_BYTES: Final = 4096
"""`stream-node-max-bytes` as Redis is shipped."""
NODE_ENTRIES: Final = 100
"""`stream-node-max-entries` as Redis is shipped."""
UNKNOWN: Final = -1
"""How many entries a group has read, when nobody can tell."""
_SIGN: Final = 1 << 63


def signed64(count: int) -> int:
    """A count in 64 bits with a sign, as in Redis: XSETID and XGROUP may start it at the top."""
    return (count + _SIGN) % (2 * _SIGN) - _SIGN


class Entry(NamedTuple):
    """One entry: fields and values in turn."""

    id: StreamId
    fields: Sequence[bytes]


class Node(NamedTuple):
    """Up to `NODE_ENTRIES` entries. Never changed, only replaced."""

    first: StreamId
    """The id that the node is found by; its entry may be gone."""
    last: StreamId
    """The newest id, gone or not."""
    names: tuple[bytes, ...]
    """The field names that entries with the same ones need not repeat."""
    size: int
    """Bytes."""
    packed: int
    """Entries that were put in, gone ones included."""
    entries: tuple[Entry, ...]


class Pending(NamedTuple):
    """An entry delivered and not acknowledged."""

    consumer: bytes
    delivered_ms: int
    times: int
    """How often it was delivered."""


class Group:
    """A consumer group."""

    __slots__ = ("consumers", "last_id", "pending", "read")

    def __init__(self, last_id: StreamId, read: int) -> None:
        self.last_id = last_id
        self.read = read
        """How many entries it has read since the stream began, or `UNKNOWN`."""
        self.pending: dict[StreamId, Pending] = {}
        self.consumers: dict[bytes, int] = {}
        """Per consumer: when it was last seen, in ms."""

    def copy(self) -> "Group":
        """Another one with the same content."""
        copy = Group(self.last_id, self.read)
        copy.pending = dict(self.pending)
        copy.consumers = dict(self.consumers)
        return copy

    def of(self, consumer: bytes) -> list[StreamId]:
        """What is pending for a consumer, oldest id first."""
        return sorted(id for id, entry in self.pending.items() if entry.consumer == consumer)


class Stream:
    """Entries and groups. Once it lies in the store it is never changed, only copied."""

    __slots__ = ("added", "groups", "last_id", "length", "max_deleted", "nodes")

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.length = 0
        self.last_id = ZERO
        self.added = 0
        """Entries ever added."""
        self.max_deleted = ZERO
        """The highest id that XDEL has removed."""
        self.groups: dict[bytes, Group] = {}

    def copy(self) -> "Stream":
        """Another one with the same content."""
        copy = Stream()
        copy.nodes = self.nodes.copy()
        copy.length, copy.last_id = self.length, self.last_id
        copy.added, copy.max_deleted = self.added, self.max_deleted
        copy.groups = {name: group.copy() for name, group in self.groups.items()}
        return copy

    # -- reading ------------------------------------------------------------------------------

    @property
    def first_id(self) -> StreamId:
        """Id of the first entry, `ZERO` if there is none."""
        return self.nodes[0].entries[0].id if self.nodes else ZERO

    @property
    def top_id(self) -> StreamId:
        """Id of the last entry, `ZERO` if there is none."""
        return self.nodes[-1].entries[-1].id if self.nodes else ZERO

    def between(self, start: StreamId, end: StreamId) -> Iterator[Entry]:
        """The entries from `start` to `end`, both included."""
        at = max(bisect_right(self.nodes, start, key=lambda node: node.first) - 1, 0)
        for node in self.nodes[at:]:
            if node.first > end:
                return
            for entry in node.entries:
                if entry.id > end:
                    return
                if entry.id >= start:
                    yield entry

    def between_backwards(self, start: StreamId, end: StreamId) -> Iterator[Entry]:
        """The entries from `end` down to `start`, both included."""
        at = bisect_right(self.nodes, end, key=lambda node: node.first)
        for node in reversed(self.nodes[:at]):
            for entry in reversed(node.entries):
                if entry.id < start:
                    return
                if entry.id <= end:
                    yield entry

    def get(self, id: StreamId) -> Entry | None:
        """The entry with this id."""
        return next(self.between(id, id), None)

    # -- writing ------------------------------------------------------------------------------

    def append(self, id: StreamId, fields: Sequence[bytes]) -> None:
        """Add an entry; its id must be above `last_id`."""
        assert id > self.last_id, f"{id} after {self.last_id}"
        node = self.nodes[-1] if self.nodes else None
        grown = sum(map(len, fields))
        if node is None or node.size + grown >= NODE_BYTES or node.packed >= NODE_ENTRIES:
            node = _new_node(id, tuple(fields[::2]))
            self.nodes.append(node)
        size = node.size + _entry_bytes(node, id, fields)
        entries = (*node.entries, Entry(id, fields))
        self.nodes[-1] = Node(node.first, id, node.names, size, node.packed + 1, entries)
        self.length += 1
        self.added = signed64(self.added + 1)
        self.last_id = id

    def delete(self, id: StreamId) -> bool:
        """Take an entry out; whether it was there."""
        at = bisect_right(self.nodes, id, key=lambda node: node.first) - 1
        if at < 0:
            return False
        node = self.nodes[at]
        inside = bisect_left(node.entries, id, key=lambda entry: entry.id)
        if inside == len(node.entries) or node.entries[inside].id != id:
            return False
        left = (*node.entries[:inside], *node.entries[inside + 1 :])
        if left:
            self.nodes[at] = node._replace(entries=left)
        else:
            del self.nodes[at]
        self.length -= 1
        return True

    def trim(
        self, *, length: int | None, below: StreamId | None, approximate: bool, limit: int
    ) -> int:
        """Take out the oldest entries: all but `length`, or those with an id below `below`.

        An approximate trim removes whole nodes only, and of these not more than `limit` entries
        (0: any number). Gives the number removed.
        """
        nodes, removed = self.nodes, 0
        whole = 0
        while whole < len(nodes):
            node = nodes[whole]
            count = len(node.entries)
            if length is not None and self.length <= length:
                break
            if limit and removed + count > limit:
                break
            if length is not None:
                all_of_it = self.length - count >= length
            else:
                assert below is not None, "trimmed by length or by id"
                all_of_it = node.last < below
            if not all_of_it:
                if not approximate:
                    removed += self._trim_inside(whole, length, below)
                break
            self.length -= count
            removed += count
            whole += 1
        del nodes[:whole]
        return removed

    def _trim_inside(self, at: int, length: int | None, below: StreamId | None) -> int:
        node = self.nodes[at]
        if length is not None:
            count = self.length - length
        else:
            assert below is not None, "trimmed by length or by id"
            count = sum(entry.id < below for entry in node.entries)
        if count < len(node.entries):
            self.nodes[at] = node._replace(entries=node.entries[count:])
        else:
            del self.nodes[at]  # its newest id was deleted, so it did not count as below
        self.length -= count
        return count

    # -- what a group has read ------------------------------------------------------------------

    def has_holes_after(self, id: StreamId) -> bool:
        """Whether XDEL may have removed anything at or after this id, of what is there."""
        return bool(self.nodes) and max(id, self.first_id) <= self.max_deleted

    def position(self, id: StreamId) -> int:
        """How many entries were ever added up to this id, or `UNKNOWN`."""
        if not self.added:
            return 0
        if id == self.last_id or (not self.length and id <= self.last_id):
            return self.added
        if id > self.last_id:
            return UNKNOWN
        first = self.first_id
        if self.max_deleted == ZERO or self.max_deleted < first:
            if id < first:
                return signed64(self.added - self.length)
            if id == first:
                return signed64(self.added - self.length + 1)
        return UNKNOWN

    def lag(self, group: Group) -> int | None:
        """How many entries a group has yet to read; None when nobody can tell."""
        if not self.added:
            return 0
        read = group.read
        if read == UNKNOWN or self.has_holes_after(group.last_id):
            read = self.position(group.last_id)
        return None if read == UNKNOWN else signed64(self.added - read)

    def tree_nodes(self) -> int:
        """Nodes of the radix tree in which Redis keeps the packed nodes."""
        keys = [first[0].to_bytes(8) + first[1].to_bytes(8) for first in self._firsts()]
        return 1 if not keys else _tree_nodes(keys, 0)

    def _firsts(self) -> Iterator[StreamId]:
        return (node.first for node in self.nodes)


def _new_node(id: StreamId, names: tuple[bytes, ...]) -> Node:
    """A node without entries yet: counts, names, and a zero behind them."""
    size = EMPTY_BYTES + sum(map(integer_bytes, (1, 0, len(names), 0)))
    return Node(id, id, names, size + sum(map(text_bytes, names)), 0, ())


def _entry_bytes(node: Node, id: StreamId, fields: Sequence[bytes]) -> int:
    """What an entry takes in a node: flags, distance of its id, fields, number of elements."""
    names = tuple(fields[::2])
    if names == node.names:
        stored, numbers = fields[1::2], [0, len(names) + 3]
    else:
        stored, numbers = fields, [0, len(names), 2 * len(names) + 4]
    distance = id[0] - node.first[0], id[1] - node.first[1]
    return sum(map(text_bytes, stored)) + sum(map(integer_bytes, chain(numbers, distance)))


def _tree_nodes(keys: list[bytes], depth: int) -> int:
    """Nodes below one that has these keys, sorted, which agree up to `depth`."""
    first, last = keys[0], keys[-1]
    if len(keys) == 1:
        return 1 if depth == len(first) else 2
    common = depth
    while first[common] == last[common]:
        common += 1
    branches: dict[int, list[bytes]] = {}
    for key in keys:
        branches.setdefault(key[common], []).append(key)
    below = sum(_tree_nodes(branch, common + 1) for branch in branches.values())
    return (common > depth) + 1 + below
