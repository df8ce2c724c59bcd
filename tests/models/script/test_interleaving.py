"""Hundreds of scripts in flight at once, in any order."""

import random

from models.replies import ErrorReply, Reply
from models.script.machine import Machine
from models.script.outcome import PENDING, Answer, Call, Done, Outcome, Pending
from models.script.pool import MachinePool
from tests.models.script.rig import run, script

IN_FLIGHT = 300
SCRIPTS = 6_000

BODIES = [
    "local r = {} for i = 1, 3 do r[i] = redis.call('GET', ARGV[1], i) end return r",
    """return {pcall(function()
      return redis.call('GET', ARGV[1], 1) .. redis.call('GET', ARGV[1], 2)
    end)}""",
    """return {xpcall(
      function() error(redis.call('GET', ARGV[1], 1)) end,
      function(e) return redis.call('GET', ARGV[1], 2) .. e end)}""",
    """local t = {3, 1, 2}
    table.sort(t, function(a, b)
      return redis.call('GET', ARGV[1], a) < redis.call('GET', ARGV[1], b)
    end)
    return t""",
    "return (string.gsub('abc', '.', function(x) return redis.call('GET', ARGV[1], x) end))",
    """local co = coroutine.wrap(function()
      for i = 1, 3 do coroutine.yield(redis.call('GET', ARGV[1], i)) end
    end)
    return {co(), co(), co()}""",
    """local co = coroutine.create(function()
      pcall(table.sort, {2, 1}, function(a, b) return redis.call('GET', ARGV[1], a) < '0' end)
      error('end of ' .. ARGV[1])
    end)
    return {coroutine.resume(co)}""",
    "error(redis.call('GET', ARGV[1], 1))",
    "return math.random(1000) + #redis.call('GET', ARGV[1], 1)",
]


def value_of(args: list[bytes]) -> Reply:
    """Tells the script and the call apart."""
    return b"%b of %b" % (args[2], args[1])


class Flight:
    """One script in its machine."""

    def __init__(self, number: int, machine: Machine, answer: Answer) -> None:
        self.number = number
        self.machine = machine
        self.body = BODIES[number % len(BODIES)]
        self.name = b"script %d" % number
        self.outcome: Outcome = machine.start(script(self.body), [], [self.name], answer)


def test_scripts_in_any_order_do_not_disturb_each_other() -> None:
    """Each ends as if it had been alone; some are killed."""
    rng = random.Random(1729)
    pool = MachinePool()
    alone = Machine()

    def answer(args: list[bytes]) -> "Reply | Pending":
        return PENDING if rng.random() < 0.7 else value_of(args)

    flights: list[Flight] = []
    begun = ended = killed = 0
    while ended < SCRIPTS:
        while begun < SCRIPTS and len(flights) < IN_FLIGHT:
            flights.append(Flight(begun, pool.take(), answer))
            begun += 1
        place = rng.randrange(len(flights))
        flight = flights[place]
        machine, outcome = flight.machine, flight.outcome
        if isinstance(outcome, Call) and rng.random() >= 0.02:
            flight.outcome = machine.resume(value_of(outcome.args))
            continue
        if isinstance(outcome, Call):
            error = b"ERR killed " + flight.name
            assert machine.kill(error) == Done(ErrorReply(error), raised=True)
            killed += 1
        else:
            assert outcome.reply == run(alone, flight.body, value_of, argv=[flight.name])
        pool.give_back(machine)
        flights[place] = flights[-1]
        flights.pop()
        ended += 1
    assert pool.created == len(pool) == IN_FLIGHT
    assert killed > 50
