"""What a leader knows of one peer's log.

A peer is *probed* until it has once agreed: one append at a time, from where the logs might meet.
After that it is *replicated* to without waiting: entries are sent as they come, and `next_index`
moves on when they are sent, not when they are acknowledged. A rejection shows that some were lost
and leads back to probing. This follows etcd raft's progress tracker; its limit on appends in flight
is left out, since the lanes to a peer are bounded already.

Invariant: 0 <= `match` < `next_index`.
"""


class Progress:
    """One peer, as its leader sees it."""

    __slots__ = ("active", "match", "next_index", "paused", "place", "probing")

    def __init__(self, *, place: int, next_index: int) -> None:
        self.place = place
        """Where this peer stands among the voters, the leader being at 0."""
        self.match = 0
        """The last entry known to be on the peer."""
        self.next_index = next_index
        """The entry to be sent next."""
        self.probing = True
        self.paused = False
        """While probing: entries were sent and not answered yet."""
        self.active = False
        """Heard of since the leader last checked for a quorum."""

    def acknowledge(self, index: int) -> bool:
        """The peer agrees up to `index`; whether that is news."""
        if index <= self.match and not (index == self.match and self.probing):
            return False
        self.match = index
        self.next_index = index + 1 if self.probing else max(self.next_index, index + 1)
        self.probing = False
        self.paused = False
        return True

    def back_off(self, rejected: int, hint: int) -> bool:
        """The peer does not agree at `rejected`, nor beyond `hint`; whether to send again.

        False for an answer to a question that is no longer open: overtaken, or sent twice.
        """
        if not self.probing:
            if rejected <= self.match:
                return False
            self.probing = True
            self.next_index = self.match + 1
        elif rejected != self.next_index - 1:
            return False
        else:
            self.next_index = max(min(rejected, hint + 1), self.match + 1)
        self.paused = False
        return True
