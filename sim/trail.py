"""A trail: the stretches of one operation's time, each closed where the next begins.

Only `mark` adds a stretch, and it begins where the last one ended, so that the stretches touch and
add up to the operation's latency by construction.
"""

from sim.record import Span, Timeline


class Trail:
    """The timeline of one operation in the making."""

    __slots__ = ("_at", "_id", "_start", "spans")

    def __init__(self, id: int, start_ns: int) -> None:
        self._id = id
        self._start = self._at = start_ns
        self.spans: list[Span] = []

    def mark(self, kind: str, label: str, until_ns: int) -> None:
        """What happened since the last mark was of this kind, on behalf of `label`."""
        assert until_ns >= self._at, f"a trail cannot go back from {self._at} to {until_ns}"
        if until_ns == self._at:
            return
        last = self.spans[-1] if self.spans else None
        if last is not None and (last.kind, last.label) == (kind, label) and kind == "local":
            self.spans[-1] = last.model_copy(update={"end_ns": until_ns})
        else:
            self.spans.append(Span(kind=kind, label=label, start_ns=self._at, end_ns=until_ns))
        self._at = until_ns

    def timeline(self) -> Timeline:
        """The finished timeline."""
        return Timeline(id=self._id, start_ns=self._start, end_ns=self._at, spans=self.spans)
