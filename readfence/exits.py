"""Exit codes of the command line, and the errors behind those that `sim.errors` does not know."""

from enum import IntEnum

from sim.errors import ReadfenceError


class Exit(IntEnum):
    """What a command's exit status tells."""

    OK = 0
    """Done; for `check`: every expectation is kept."""
    BROKEN = 1
    """An expectation is broken, or could not be decided."""
    INPUT = 2
    """The input is wrong: scenario, option, expectation, script."""
    BUG = 3
    """A bug in readfence."""
    INCONCLUSIVE = 4
    """A limit ended the run, or it stalled."""
    ENVIRONMENT = 5
    """The machine failed: no space on the disk, a file that cannot be written."""
    INTERRUPTED = 130
    """Ctrl-C."""


class EnvironmentFailed(ReadfenceError):
    """The machine failed, not the input."""
