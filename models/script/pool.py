"""Machines, made when they are needed and used again.

Not a limit: how many scripts may run at once is decided by who takes the machines.
"""

from typing import Final

from models.script.machine import IDLE, INSTRUCTIONS_MAX, MEMORY_MAX, WAITING, Machine

ABANDONED: Final = b"ERR nobody waits for this script any more"


class MachinePool:
    """Idle machines. Its length is their number."""

    def __init__(
        self, *, instructions_max: int = INSTRUCTIONS_MAX, memory_max: int = MEMORY_MAX
    ) -> None:
        self.created = 0
        """Machines made so far."""
        self._instructions_max = instructions_max
        self._memory_max = memory_max
        self._idle: list[Machine] = []

    def take(self) -> Machine:
        """An idle machine: the one given back last, or a new one."""
        if self._idle:
            return self._idle.pop()
        self.created += 1
        return Machine(instructions_max=self._instructions_max, memory_max=self._memory_max)

    def give_back(self, machine: Machine) -> None:
        """Return a machine. A script that still waits is ended, and nobody told.

        A machine that has run out of memory is thrown away.
        """
        if machine.state is WAITING:
            machine.kill(ABANDONED)
        assert machine.state is IDLE, f"a machine given back is {machine.state.value}"
        if machine.reusable:
            self._idle.append(machine)

    def __len__(self) -> int:
        return len(self._idle)
