"""A trail: the stretches of one operation's time, each closed where the next begins.

Only `mark` adds a stretch, and it begins where the last one ended, so that the stretches touch and
add up to the operation's latency by construction.
"""

from sim.record import Span, Timeline


class Trail:
    """The timeline of one operation in the making."""

    __slots__ = ("_at", "_marks", "_start", "id")

    def __init__(self, id: int, start_ns: int) -> None:
        self.id = id
        self._start = self._at = start_ns
        self._marks: list[tuple[str, str, int]] = []

    def mark(self, kind: str, label: str, until_ns: int) -> None:
        """What happened since the last mark was of this kind, on behalf of `label`.

        Local work on behalf of the same label is one stretch, however often it is marked.
        """
        assert until_ns >= self._at, f"a trail cannot go back from {self._at} to {until_ns}"
        if until_ns == self._at:
            return
        self._at = until_ns
        marks = self._marks
        if kind == "local" and marks and marks[-1][:2] == (kind, label):
            marks.pop()
        marks.append((kind, label, until_ns))

    def cut(self, at_ns: int) -> None:
        """Nothing happened after this instant."""
        marks = self._marks
        while marks and (before := marks[-2][2] if len(marks) > 1 else self._start) >= at_ns:
            marks.pop()
            self._at = before
        if marks and marks[-1][2] > at_ns:
            kind, label, _ = marks[-1]
            marks[-1] = (kind, label, at_ns)
            self._at = at_ns

    def timeline(self) -> Timeline:
        """The finished timeline."""
        spans = []
        at = self._start
        for kind, label, until in self._marks:
            spans.append(Span(kind=kind, label=label, start_ns=at, end_ns=until))
            at = until
        return Timeline(id=self.id, start_ns=self._start, end_ns=at, spans=spans)
