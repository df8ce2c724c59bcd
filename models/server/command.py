"""What the server knows of a command: how it is carried out, and where it may be sent."""

from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from models.server.server import Server
from models.server.session import Answer, Session
from models.service import Request
from sim.kernel import Steps

ANY: Final = 1 << 30
"""As many arguments as one likes."""

Action: TypeAlias = Callable[[Server, Session, list[bytes]], Answer]
"""Answers at once."""
WaitingAction: TypeAlias = Callable[[Server, Session, list[bytes]], Steps]
"""Answers, through its return value, when it is through."""
MakeRequest: TypeAlias = Callable[[Server, list[bytes]], Request]
"""What goes to the store. Raises `Refused`."""


class InTransaction(Enum):
    """What becomes of a command between MULTI and EXEC."""

    QUEUED = "queued"
    AT_ONCE = "at once"


class Command(NamedTuple):
    """One command of the server. The counts include its own name.

    `action` for what concerns the session or the server, `request` for what reads or writes data;
    `waiting` stands for either outside of transactions, if it takes more than one step.
    """

    name: bytes
    args_min: int
    args_max: int
    action: Action | None = None
    request: MakeRequest | None = None
    waiting: WaitingAction | None = None
    in_transaction: InTransaction = InTransaction.QUEUED
    to_strangers: bool = False
    """Whether it may be sent before the password."""
    while_subscribed: bool = False
    """Whether a RESP2 client that has subscribed may send it."""
