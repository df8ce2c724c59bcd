"""Machines used again."""

import pytest

from models.script.machine import Machine, State
from models.script.outcome import Call
from models.script.pool import MachinePool
from tests.models.script.rig import pending, run, start


def test_a_machine_given_back_is_used_again() -> None:
    """Only as many are made as are out at once."""
    pool = MachinePool()
    first, second = pool.take(), pool.take()
    pool.give_back(first)
    pool.give_back(second)
    assert (len(pool), pool.created) == (2, 2)
    assert {pool.take(), pool.take()} == {first, second}
    assert (len(pool), pool.created) == (0, 2)


def test_a_machine_that_ran_out_of_memory_is_replaced() -> None:
    """Its runtime may be in any shape."""
    pool = MachinePool(memory_max=4_000_000)
    machine = pool.take()
    run(machine, "return string.rep('x', 1e9)")
    assert not machine.reusable
    pool.give_back(machine)
    assert len(pool) == 0
    assert pool.take() is not machine


def test_a_machine_killed_for_its_instructions_is_used_again() -> None:
    """The kill unwinds all of the script."""
    pool = MachinePool(instructions_max=100_000)
    machine = pool.take()
    run(machine, "while true do end")
    pool.give_back(machine)
    assert pool.take() is machine
    assert run(machine, "return 1") == 1


def test_a_script_that_still_waits_is_ended_when_its_machine_is_given_back() -> None:
    """So a task that is torn down in the middle loses no machine."""
    pool = MachinePool()
    machine = pool.take()
    waits = start(machine, "while true do pcall(redis.call, 'GET', 'k') end", pending)
    assert isinstance(waits, Call)
    pool.give_back(machine)
    assert machine.state is State.IDLE
    assert pool.take() is machine
    assert run(machine, "return 1") == 1


def test_a_running_machine_cannot_be_given_back() -> None:
    """That would be a bug in an answer."""
    pool = MachinePool()
    machine: Machine = pool.take()

    def answer(args: list[bytes]) -> None:
        pool.give_back(machine)

    with pytest.raises(AssertionError, match="a machine given back is running"):
        start(machine, "redis.call('GET', 'k')", answer)
