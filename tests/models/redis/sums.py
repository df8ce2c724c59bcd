"""A second model of read costs, deliberately dumb: it adds up published sums, and knows no rows.

The numbers are those of system.md 1.4 and 1.8 at `before`; what is cached is told by 1.7. It knows
nothing of replies: a command does what the modelled system does, in its order, right or wrong.
"""

from models.redis.key_states import MISSING_STATE, type_of
from tests.models.redis.traced import CONTENT

PROBE = {
    "missing": (11, 7), "str_new": (10, 7), "str_legacy": (10, 7), "str_bare": (11, 7),
    "hll": (9, 7), "stream": (8, 7), "list_meta": (1, 0), "list_delta": (1, 1),
    "hash_wide": (1, 2), "hash_blob": (5, 7), "set_wide": (2, 4), "set_blob": (6, 7),
    "zset_wide": (3, 6), "zset_delta": (3, 6), "zset_blob": (7, 7),
}  # fmt: skip
"""The type probe up to its first hit."""
VALUE = {"str_new": 1, "str_legacy": 2, "str_bare": 3, "hll": 3}
"""Points of a string's value, each of them verified."""
WHOLE_KEY = (8, 10)
"""What is looked for of a key to be rewritten, apart from its type."""
FAMILIES = ("string", "list", "hash", "set", "zset", "stream")


class WrongType(Exception):
    """The key holds another type."""


class SummedKey:
    """One key in one attempt. Each method adds what it reads to `points`, `scans`, `verifies`."""

    def __init__(self, state: str) -> None:
        self.plain = state.removesuffix("_ttl").removesuffix("_expired")
        self.past = state.endswith("_expired")
        """Whether the expiry has passed, as far as the script is concerned."""
        self.kind = "none" if self.past or state == MISSING_STATE else type_of(state)
        self.points = self.scans = self.verifies = 0
        self.tried: set[str] = set()
        self.held: set[str] = set()
        self.deleted = self.was_deleted = self.ttl_known = self.touched = False
        self.stored = self.left = self.right = 0

    def add(self, points: int, scans: int = 0, verifies: int = 0) -> None:
        """Note store operations."""
        self.points += points
        self.scans += scans
        self.verifies += verifies

    def ttl(self) -> None:
        """The expiry: inline in a new string, else in a row of its own."""
        if not self.ttl_known:
            self.add(1 if self.plain == "str_new" else 2)
        self.ttl_known = True

    def set_ttl(self) -> None:
        """The expiry is a new one, or none."""
        self.ttl_known = True
        self.past = False

    def known(self) -> str | None:
        """The type as far as no read is needed."""
        held = [family for family in FAMILIES if family in self.held]
        return held[0] if held else "none" if self.deleted else None

    def probe(self) -> str:
        """The type; the expiry that a probe sees is not remembered."""
        known = self.known()
        if known is None:
            self.add(*PROBE[self.plain])
            if self.plain != MISSING_STATE:
                self.add(1 if self.plain == "str_new" else 2)
            return self.kind
        if known != "none":
            self.ttl()
        return "none" if self.past else known

    def look_up(self, family: str) -> bool:
        """Load the value as this family, once and for all; whether there is one."""
        if family not in self.tried:
            self.tried.add(family)
            kind = self.probe()
            if kind not in (family, "none"):
                raise WrongType
            if kind == family:
                self._load(family)
        return family in self.held

    def _load(self, family: str) -> None:
        if family == "string":
            self.add(VALUE[self.plain], 0, VALUE[self.plain])
        elif family in ("list", "stream"):
            self.add(1, 1 if family == "list" else 0)
            self.stored = len(CONTENT["list"]) if family == "list" else 0
        elif self.plain.endswith("_blob"):
            self.add(1, 1)
        else:
            self.add(0, 2)
        if self.plain != "hll":
            self.held.add(family)

    def write(self, family: str) -> None:
        """The key now holds this family."""
        self.tried.add(family)
        self.held.add(family)
        self.deleted = False
        self.touched = True

    def delete(self) -> None:
        """The key is gone, for whatever reason; no family need be looked for."""
        self.held.clear()
        self.deleted = self.was_deleted = self.touched = True
        self.set_ttl()
        self.stored = self.left = self.right = 0

    def pop(self, near: str, far: str) -> None:
        """Take the element at the near end: a scan if it is stored."""
        self.touched = True
        if not getattr(self, near) and self.stored:
            self.add(0, 1)
        end = next(end for end in (near, "stored", far) if getattr(self, end))
        setattr(self, end, getattr(self, end) - 1)
        if not self.stored + self.left + self.right:
            self.held.discard("list")
            self.deleted = True
            self.set_ttl()

    def commit(self) -> None:
        """The commit plan: nothing for a list's ends, else the value, the expiry, every row."""
        if not self.touched:
            return
        kind = self.known() or self.probe()
        if kind == "list" and not self.was_deleted:
            return
        if kind != "none":
            self.look_up(kind)
            self.ttl()
        self.add(*PROBE[self.plain])
        if self.plain != MISSING_STATE:
            self.add(1 if self.plain == "str_new" else 2)
        self.add(*WHOLE_KEY)


def run(keys: dict[str, SummedKey], command: list[str]) -> None:
    """What one command reads. Raises `WrongType` as the command would answer it."""
    name, key = command[0], keys[command[1]]
    if name in LOOK_UPS:
        key.look_up(LOOK_UPS[name])
    elif name in WRITES:
        key.look_up(WRITES[name])
        key.write(WRITES[name])
        key.left += name == "LPUSH"
        key.right += name == "RPUSH"
    elif name == "RENAME":
        _rename(key, keys[command[2]])
    elif name in ("LPOP", "RPOP"):
        if key.look_up("list"):
            key.pop(*("left", "right") if name == "LPOP" else ("right", "left"))
    elif name == "RPOPLPUSH":
        if key.look_up("list"):
            key.pop("right", "left")
            keys[command[2]].look_up("list")
            keys[command[2]].write("list")
            keys[command[2]].left += 1
    else:
        WHOLE[name](key)


def _rename(source: SummedKey, target: SummedKey) -> None:
    kind = source.probe()
    if kind == "none":
        return
    source.ttl()
    source.look_up(kind)
    if kind == "list" and source.stored:
        source.add(0, 1)
    count = source.left + source.stored + source.right
    target.delete()
    target.write(kind)
    target.left = count
    source.delete()


def _replace(key: SummedKey) -> None:
    key.probe()
    key.ttl()
    key.delete()
    key.write("string")


def _set_missing(key: SummedKey) -> None:
    missing = key.probe() == "none"
    key.ttl()
    if missing:
        key.delete()
        key.write("string")


def _put(key: SummedKey) -> None:
    key.delete()
    key.write("string")


def _take(key: SummedKey) -> None:
    if key.look_up("string"):
        key.delete()


def _delete(key: SummedKey) -> None:
    if key.probe() != "none":
        key.delete()


def _time_to_live(key: SummedKey) -> None:
    if key.probe() != "none":
        key.ttl()


def _expire(key: SummedKey) -> None:
    if key.probe() != "none":
        key.touched = True
        key.set_ttl()


LOOK_UPS = {
    "GET": "string",
    **dict.fromkeys(("HGET", "HMGET", "HGETALL", "HEXISTS", "HLEN"), "hash"),
    "LLEN": "list",
    **dict.fromkeys(("SMEMBERS", "SISMEMBER", "SCARD"), "set"),
    **dict.fromkeys(("ZCARD", "ZSCORE", "ZCOUNT", "ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE",
                     "ZREVRANGEBYSCORE"), "zset"),
}  # fmt: skip
WRITES = {
    "INCR": "string", "LPUSH": "list", "RPUSH": "list", "HSET": "hash", "HMSET": "hash",
    "HINCRBY": "hash", "SADD": "set", "ZADD": "zset", "XADD": "stream",
}  # fmt: skip
WHOLE = {
    "EXISTS": SummedKey.probe, "TYPE": SummedKey.probe, "PTTL": _time_to_live, "PEXPIRE": _expire,
    "DEL": _delete, "SET": _replace, "SETNX": _set_missing, "SETEX": _put, "GETDEL": _take,
}  # fmt: skip
KNOWN = {*LOOK_UPS, *WRITES, *WHOLE, "RENAME", "LPOP", "RPOP", "RPOPLPUSH"}
"""The commands that this model knows."""
