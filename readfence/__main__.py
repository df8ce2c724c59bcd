"""Where a process starts: `readfence`, and `python -m readfence`.

Imports little, so that Ctrl-C finds somebody at home while everything else is being imported.
"""

import os
import signal
import sys
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with the status that `readfence.exits.Exit` documents."""
    _open_closed_streams()
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from readfence.cli import command_line  # noqa: PLC0415

    signal.signal(signal.SIGINT, before)
    sys.exit(command_line())


def _leave(signum: int, frame: FrameType | None) -> None:
    """There is nothing to keep yet, and some imports do not take an exception well."""
    os.write(2, b"interrupted\n")
    os._exit(_INTERRUPTED)


def _open_closed_streams() -> None:
    """Put something in the place of standard streams that were closed (`>&-`).

    Else the next file to be opened takes their number, and what is printed goes into it. Writing
    results to a closed stdout fails, as in other tools; remarks for a closed stderr are lost.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest free number
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


if __name__ == "__main__":
    main()
