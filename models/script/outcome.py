"""What passes between a script and the one who runs it: calls, replies, the end.

Only data: nothing here knows Lua. Replies themselves are in `models.replies`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias, final

from models.replies import Reply


class Pending(Enum):
    """The type of `PENDING`."""

    PENDING = "pending"


PENDING: Final = Pending.PENDING
"""What an `Answer` returns when the reply is not there yet: the script is suspended."""

Answer: TypeAlias = "Callable[[list[bytes]], Reply | Pending]"
"""Answers one `redis.call`. Its argument is the command's name and arguments, all bytes.

What it raises is taken for a bug: the script is ended, and `start` or `resume` raises it.
"""


@final
@dataclass(slots=True)
class Call:
    """The script waits for the reply of this command."""

    args: list[bytes]


@final
@dataclass(slots=True)
class Done:
    """The script has ended."""

    reply: Reply
    raised: bool = False
    """Whether an error ended it: one it did not catch, a limit, a syntax error. An error table it
    returned did not."""


Outcome: TypeAlias = Call | Done
