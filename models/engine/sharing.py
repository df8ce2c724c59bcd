"""Readers that share a round: one is outstanding, and who comes meanwhile waits for the next.

That is how etcd's server reads (its linearizableReadLoop). A round may only serve who asked before
it began: its commit index is that of its beginning, and may be older than a write that a later
reader knows of.
"""

from models.engine.requests import ReadRequest


class SharedRounds:
    """Readers of one engine that wait for a round to begin."""

    def __init__(self) -> None:
        self._waiting: list[ReadRequest] = []
        self._outstanding = False

    def join(self, read: ReadRequest) -> bool:
        """A reader comes; whether a round has to be begun for it, since none is outstanding."""
        self._waiting.append(read)
        began, self._outstanding = self._outstanding, True
        return not began

    def will_wait(self, at: int) -> bool:
        """Whether somebody who has come by now will still wait at an instant.

        A deadline comes before whatever else is due at its instant.
        """
        return any(
            not read.done and (read.deadline is None or read.deadline > at)
            for read in self._waiting
        )

    def begin(self) -> ReadRequest | None:
        """A round begins: the reader it is counted for, with those who share it.

        None when all have given up; then it is over.
        """
        readers = [read for read in self._waiting if not read.done]
        self._waiting = []
        if not readers:
            self._outstanding = False
            return None
        readers[0].sharers = readers[1:]
        return readers[0]

    def over(self) -> bool:
        """The round is over, however it ended; whether the next has to be begun."""
        self._outstanding = bool(self._waiting)
        return self._outstanding
