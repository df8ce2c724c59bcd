"""Ctrl-C while Lua runs: Python raises where no function of the host can catch it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from models.script.cache import ScriptCache
from models.script.machine import Done, Machine, State

LOOP = "for i = 1, 2000000 do end "


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Raise KeyboardInterrupt by a signal, as Ctrl-C does."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "script",
    [
        "return redis.call('GET', 'k')",
        "redis.call('GET', 'k') return 'caught nothing'",
        "local ok, e = pcall(redis.call, 'GET', 'k') return {ok, type(e)}",
        "return xpcall(function() redis.call('GET', 'k') end, function(e) return e end)",
        "return redis.pcall('GET', 'k')",
        "return coroutine.wrap(function() redis.call('GET', 'k') end)()",
        "return coroutine.resume(coroutine.create(function() redis.call('GET', 'k') end))",
        "return redis.sha1hex('x')",
        "table.sort({1, 2, 3}, function(a, b) redis.call('GET', 'k') return a < b end)",
    ],
)
def test_no_script_survives_or_answers_for_an_interruption(script: str) -> None:
    """It leaves the machine as it was raised: neither is it caught, nor is it an error reply."""
    machine = Machine()
    body = ScriptCache().load((LOOP + script).encode())
    with pytest.raises(KeyboardInterrupt), interrupted_after(0.001):
        machine.start(body, [], [], lambda _: b"v")
    assert machine.state is State.IDLE
    plain = ScriptCache().load(b"return redis.call('GET', 'k')")
    assert machine.start(plain, [], [], lambda _: b"v") == Done(b"v")
