"""Key sets of a scenario: the names of their keys, and the rows that each begins with."""

from typing import Any, Final

from models.load_spec import DataSpec
from models.redis.key_states import make_rows, type_of
from models.store.rows import Rows

_DEFAULT_CONTENT: Final[dict[str, Any]] = {
    "string": "1",
    "list": ["a", "b", "c"],
    "hash": {"f1": "1", "f2": "2", "f3": "3"},
    "set": ["m1", "m2"],
    "zset": {"z1": 1.0, "z2": 2.0},
    "stream": {"1-1": "1", "2-1": "2", "3-1": "3"},
}
"""Content of a key whose scenario names none: small, of the right type."""

EPOCH_NS: Final = 3600 * 10**9
"""Expired keys lie this long in the past; virtual time starts at 0, so their expiry is negative."""


def key_names(set_name: str, data: DataSpec) -> tuple[bytes, ...]:
    """The keys of a set."""
    if data.keys is not None:
        return tuple(key.encode() for key in data.keys)
    assert data.count is not None
    return tuple(f"{set_name}:{i}".encode() for i in range(data.count))


def rows_of(data: DataSpec, now: int) -> Rows:
    """The rows of each key of a set; `now` is what the nodes' clocks say, in ns."""
    kind = type_of(data.state)
    value: Any = _DEFAULT_CONTENT[kind] if data.value is None else data.value
    content: Any
    if isinstance(value, str):
        content = value.encode()
    elif isinstance(value, list):
        content = [item.encode() for item in value]
    elif kind == "zset":
        content = {name.encode(): float(score) for name, score in value.items()}
    else:
        content = {name.encode(): str(item).encode() for name, item in value.items()}
    expiry = None
    if data.state.endswith("_ttl"):
        expiry = now + data.expires
    elif data.state.endswith("_expired"):
        expiry = now - EPOCH_NS
    return make_rows(data.state, content, expiry)
