"""Hundreds of scripts in flight at once, in any order."""

import random

from models.replies import ErrorReply, Reply
from models.script.outcome import PENDING, Answer, Call, Done, Outcome
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


def test_scripts_in_any_order_do_not_disturb_each_other() -> None:
    """Each ends as if it had been alone; some are killed."""
    rng = random.Random(1729)
    pool = MachinePool()
    scripts = [script(body) for body in BODIES]
    alone = MachinePool().take()

    def answer_now_or_later(args: list[bytes]) -> "Reply | Answer":
        return PENDING if rng.random() < 0.7 else value_of(args)  # type: ignore[return-value]

    def begin(number: int) -> tuple[int, Outcome]:
        machines[number] = pool.take()
        body = scripts[number % len(scripts)]
        name = [b"script %d" % number]
        return number, machines[number].start(body, [], name, answer_now_or_later)  # type: ignore[arg-type]

    machines: dict[int, object] = {}
    machines = {}
    flying: list[tuple[int, Outcome]] = []
    begun = ended = killed = 0
    while ended < SCRIPTS:
        while begun < SCRIPTS and len(flying) < IN_FLIGHT:
            flying.append(begin(begun))
            begun += 1
        place = rng.randrange(len(flying))
        number, outcome = flying[place]
        machine = machines[number]
        if isinstance(outcome, Call):
            if rng.random() < 0.02:
                error = b"ERR killed %d" % number
                assert machine.kill(error) == Done(ErrorReply(error), raised=True)
                killed += 1
            else:
                flying[place] = number, machine.resume(value_of(outcome.args))
                continue
        else:
            body = BODIES[number % len(BODIES)]
            expected = run(alone, body, value_of, argv=[b"script %d" % number])
            assert outcome.reply == expected
        pool.give_back(machines.pop(number))
        flying[place] = flying[-1]
        flying.pop()
        ended += 1
    assert pool.created == len(pool) == IN_FLIGHT
    assert killed > 50
