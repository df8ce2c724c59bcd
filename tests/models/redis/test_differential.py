"""Every command and option against a real Redis server, in sequences drawn by hypothesis.

Here in a quick form; `python3 dev.py fuzz` compares as many commands as one likes. A difference is
shrunk to a minimal sequence, which stands in the failure's text.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from models.redis.commands import COMMANDS
from tests.models.redis.differential import MODES, Duel, wall_clock_ms
from tests.models.redis.grammar import Words, sequences, timed
from tests.models.redis.grammar_table import FILL, TABLE

SIZE = 20
SEQUENCES = sequences(TABLE, FILL, SIZE)


@pytest.fixture(scope="module")
def duel(redis_server: int) -> Iterator[Duel]:
    """Model and server."""
    duel = Duel(redis_server)
    yield duel
    duel.close()


def fight(duel: Duel, mode: str, examples: int, *, derandomized: bool) -> None:
    """Compare so many sequences."""

    @settings(
        max_examples=examples,
        derandomize=derandomized,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(SEQUENCES)
    def compare(sequence: list[Words]) -> None:
        now_ms = wall_clock_ms()
        duel.fight(mode, timed(sequence, now_ms), now_ms)

    compare()


@pytest.mark.parametrize("mode", MODES)
def test_sequences(duel: Duel, mode: str, pytestconfig: pytest.Config) -> None:
    """Sequences of commands answer as Redis does and leave behind what Redis leaves behind."""
    examples = pytestconfig.getoption("--sequences")
    before = duel.commands
    fight(duel, mode, examples, derandomized=examples <= 1000)
    assert duel.commands - before > 10 * examples


def test_every_command_is_drawn() -> None:
    """No command is in the table that the grammar does not know."""
    drawn = {name.split()[0].encode() for lines in TABLE.values() for name in lines}
    assert drawn == COMMANDS.keys() - {b"SPUBLISH"}
