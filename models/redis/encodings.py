"""How Redis would keep a small collection, as far as a client can see it: in which order its
elements come, and whether a scan returns them at once.

Redis never goes back from a large form to a small one while the key lives; that is not remembered
here, so a collection that was large counts as small again when it has shrunk.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from models.redis.arguments import as_integer
from models.redis.sorted_set import SortedSet

ENTRIES_MAX: Final = 128
"""`zset-max-listpack-entries` as Redis is shipped."""
HASH_ENTRIES_MAX: Final = 512
"""`hash-max-listpack-entries` as Redis is shipped."""
BYTES_MAX: Final = 64
"""`hash-max-listpack-value` and `zset-max-listpack-value` as Redis is shipped."""
INTEGERS_MAX: Final = 512
"""`set-max-intset-entries` as Redis is shipped."""


def is_compact(fields: Mapping[bytes, bytes]) -> bool:
    """Whether a hash is small: in order of its first settings, and scanned at once."""
    return len(fields) <= HASH_ENTRIES_MAX and all(
        len(name) <= BYTES_MAX and len(value) <= BYTES_MAX for name, value in fields.items()
    )


def is_compact_zset(members: SortedSet) -> bool:
    """Whether a sorted set is small: scanned at once."""
    return len(members) <= ENTRIES_MAX and all(len(name) <= BYTES_MAX for name in members.scores)


def is_integers(members: Mapping[bytes, bytes]) -> bool:
    """Whether a set is small and holds integers only: in numerical order, and scanned at once."""
    return len(members) <= INTEGERS_MAX and all(as_integer(name) is not None for name in members)


def set_members(members: Mapping[bytes, bytes]) -> list[bytes]:
    """The members of a set, in numerical order where Redis would have them so."""
    return in_set_order(members) if is_integers(members) else list(members)


def in_set_order(members: Iterable[bytes]) -> list[bytes]:
    """Members that are all integers, in numerical order."""
    return sorted(members, key=int)
