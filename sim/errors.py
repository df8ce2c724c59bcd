"""What can go wrong in a simulation through no fault of readfence itself.

Everything a user can cause derives from `ReadfenceError`; its text is written for that user and is
shown without a traceback. A broken assertion, in contrast, is a bug in readfence.
"""


class ReadfenceError(Exception):
    """Base of every error whose text is meant for the user."""


class InputError(ReadfenceError):
    """The input is wrong: a scenario, an expectation, a script, an option."""


class LimitReached(ReadfenceError):
    """A run met one of its limits (events, virtual time, wall time) before its work was done."""


class Stalled(ReadfenceError):
    """Nothing can happen any more, or nothing has for long, while clients still wait."""
