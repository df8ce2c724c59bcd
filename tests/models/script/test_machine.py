"""A script's life: started, suspended, resumed, ended."""

import gc
import weakref

import pytest

from models.replies import ErrorReply, Reply
from models.script.machine import Machine, State
from models.script.outcome import PENDING, Call, Done, Pending
from tests.models.script.rig import no_answer, pending, run, run_waiting, script, start

# Places from where a call may wait: each makes three calls, GET 1 to GET 3, and returns the replies
# joined. Lua 5.1 itself could yield from the first alone.
PLACES = {
    "the main chunk": "for i = 1, 3 do add(redis.call('GET', i)) end",
    "tail position": """
        local function get(i) return redis.call('GET', i) end
        for i = 1, 3 do add(get(i)) end""",
    "redis.pcall": "for i = 1, 3 do add(redis.pcall('GET', i)) end",
    "pcall": "for i = 1, 3 do add(select(2, pcall(redis.call, 'GET', i))) end",
    "nested pcall": "for i = 1, 3 do add(select(3, pcall(pcall, redis.call, 'GET', i))) end",
    "xpcall": """
        local ok, joined = xpcall(function()
          return redis.call('GET', 1) .. redis.call('GET', 2) .. redis.call('GET', 3)
        end, error)
        add(joined)""",
    "xpcall's handler": """
        for i = 1, 3 do
          add(select(2, xpcall(error, function() return redis.call('GET', i) end)))
        end""",
    "table.sort": """
        local n, list = 0, {2, 1}
        table.sort(list, function(a, b)
          n = n + 1
          if n <= 3 then add(redis.call('GET', n)) end
          return a < b
        end)
        while n < 3 do n = n + 1 add(redis.call('GET', n)) end""",
    "string.gsub": "add((string.gsub('123', '.', function(i) return redis.call('GET', i) end)))",
    "string.gsub in table.sort in pcall": """
        pcall(table.sort, {2, 1}, function(a, b)
          if #out < 3 then
            string.gsub('123', '.', function(i) add(redis.call('GET', i)) end)
          end
          return a < b
        end)""",
    "a coroutine": """
        local co = coroutine.wrap(function()
          for i = 1, 3 do coroutine.yield(redis.call('GET', i)) end
        end)
        for i = 1, 3 do add(co()) end""",
    "a resumed coroutine": """
        local co = coroutine.create(function()
          for i = 1, 3 do coroutine.yield(redis.call('GET', i)) end
        end)
        for i = 1, 3 do add(select(2, coroutine.resume(co))) end""",
    "a coroutine in a coroutine in pcall": """
        local inner = coroutine.wrap(function()
          for i = 1, 3 do coroutine.yield(select(2, pcall(redis.call, 'GET', i))) end
        end)
        local outer = coroutine.wrap(function()
          for i = 1, 3 do coroutine.yield(inner()) end
        end)
        for i = 1, 3 do add(select(2, pcall(outer))) end""",
    "__index": """
        local t = setmetatable({}, {__index = function(_, i) return redis.call('GET', i) end})
        for i = 1, 3 do add(t[i]) end""",
    "__tostring": """
        for i = 1, 3 do
          add(tostring(setmetatable({}, {__tostring = function() return redis.call('GET', i) end})))
        end""",
    "a reader of load": """
        local i = 0
        local f = load(function()
          i = i + 1
          if i == 1 then return 'return "' end
          if i <= 4 then return redis.call('GET', i - 1) end
          return i == 5 and '"' or nil
        end)
        add(f())""",
    "loaded code": "for i = 1, 3 do add(loadstring('return redis.call(\"GET\", ...)')(i)) end",
    "table.foreach": "table.foreach({1, 2, 3}, function(i) add(redis.call('GET', i)) end)",
}
FRAME = """
local out = {}
local function add(text) out[#out + 1] = text end
%s
return table.concat(out)
"""


def value_of(args: list[bytes]) -> Reply:
    """Distinct replies."""
    assert args[0] == b"GET"
    return b"<" + args[1] + b">"


@pytest.mark.parametrize("place", PLACES)
def test_a_call_can_wait_from(machine: Machine, place: str) -> None:
    """The script sees the same whether its replies come at once or later."""
    body = FRAME % PLACES[place]
    assert run(machine, body, value_of) == b"<1><2><3>"
    reply, waits = run_waiting(machine, body, value_of)
    assert reply == b"<1><2><3>"
    assert waits >= 3
    assert run(machine, "return 'fresh'") == b"fresh"


@pytest.mark.parametrize("place", PLACES)
def test_a_killed_script_cannot_go_on_from(machine: Machine, place: str) -> None:
    """No pcall around the call helps, and the machine serves the next script."""
    body = "while true do pcall(function() " + FRAME % PLACES[place] + " end) end"
    for calls in range(3):
        outcome = start(machine, body, pending)
        for _ in range(calls):
            assert isinstance(outcome, Call)
            outcome = machine.resume(value_of(outcome.args))
        assert machine.state is State.WAITING
        assert machine.kill(b"ERR too late") == Done(ErrorReply(b"ERR too late"), raised=True)
        assert run(machine, "return 1") == 1


def test_a_kill_runs_nothing_of_the_script(machine: Machine) -> None:
    """Error handlers are the script's, too."""
    seen: list[bytes] = []

    def answer(args: list[bytes]) -> Pending:
        seen.append(args[0])
        return PENDING

    start(
        machine,
        """
        local ok = xpcall(function() redis.call('FIRST') end, function() redis.call('HANDLER') end)
        redis.call('AFTER')
        """,
        answer,
    )
    machine.kill(b"ERR too late")
    assert seen == [b"FIRST"]


def test_some_replies_at_once_and_some_later(machine: Machine) -> None:
    """The usual mixture: the first call waits for its fence, the rest read the snapshot."""
    asked: list[bytes] = []

    def answer(args: list[bytes]) -> "Reply | Pending":
        asked.append(args[1])
        return PENDING if args[1] == b"1" else value_of(args)

    body = "return {redis.call('GET', 1), redis.call('GET', 2), redis.call('GET', 3)}"
    assert start(machine, body, answer) == Call([b"GET", b"1"])
    assert machine.resume(b"late") == Done([b"late", b"<2>", b"<3>"])
    assert asked == [b"1", b"2", b"3"]


def test_keys_and_arguments_are_tables_of_strings(machine: Machine) -> None:
    """Any bytes, in their order, and as many as a client likes to send."""
    body = "return {KEYS, ARGV}"
    assert run(machine, body) == [[], []]
    assert run(machine, body, keys=[b"k\0"]) == [[b"k\0"], []]
    assert run(machine, body, argv=[b"\xff", b""]) == [[], [b"\xff", b""]]
    assert run(machine, body, keys=[b"a", b"b"], argv=[b"c"]) == [[b"a", b"b"], [b"c"]]
    many_keys = [b"%d" % number for number in range(3_000)]
    many_arguments = [b"a%d" % number for number in range(20_000)]
    for keys, argv in ((many_keys, []), ([], many_arguments), (many_keys, many_arguments)):
        assert run(machine, body, keys=keys, argv=argv) == [keys, argv]
    assert run(machine, body, keys=[b"a"]) == [[b"a"], []]


@pytest.mark.parametrize("length", [1, 65, 66, 67, 199, 200, 201, 399, 400, 5_000])
def test_a_long_reply_comes_whole(machine: Machine, length: int) -> None:
    """It is sent in pieces; marks and their values may be parted by a piece's end."""
    body = "local t = {} for i = 1, tonumber(ARGV[1]) do t[i] = {ok = tostring(i)} end return t"
    reply = run(machine, body, argv=[b"%d" % length])
    assert isinstance(reply, list)
    assert len(reply) == length
    assert reply[-1] == run(machine, "return {ok = ARGV[1]}", argv=[b"%d" % length])


def test_a_reply_that_contains_itself_ends_in_an_error(machine: Machine) -> None:
    """Redis goes deeper before it gives up, in the same words."""
    reply = run(machine, "local t = {} t[1] = t return t")
    depth = 0
    while isinstance(reply, list):
        (reply,) = reply
        depth += 1
    assert reply == ErrorReply(b"ERR reached lua stack limit")
    assert depth == 500


def test_whether_an_error_ended_the_script_is_told(machine: Machine) -> None:
    """An error table returned is an answer; what the script did stands."""
    returned = start(machine, "return redis.error_reply('ERR x')")
    raised = start(machine, "error('x')")
    broken = start(machine, "return +")
    assert isinstance(returned, Done) and not returned.raised
    assert isinstance(raised, Done) and raised.raised
    assert isinstance(broken, Done) and broken.raised


def test_what_is_wrong_with_a_text_can_be_asked_without_running_it(machine: Machine) -> None:
    """SCRIPT LOAD answers with it."""
    assert machine.compile(script("return 1")) is None
    assert machine.compile(script("return +")) == ErrorReply(
        b"ERR Error compiling script (new function): user_script:1: unexpected symbol near '+'"
    )
    assert machine.compile(script("#!awk\n")) == ErrorReply(
        b"ERR Unexpected engine in script shebang: #!awk"
    )


def test_any_number_of_scripts_can_be_compiled_in_one_machine() -> None:
    """Old ones are forgotten: their code would take the memory of the others."""
    machine = Machine(memory_max=4_000_000)
    padding = "local x = {1, 2, 3} if x then x = nil end " * 100
    for number in range(1_000):
        assert run(machine, f"do {padding} end return {number}") == number
    assert run(machine, f"do {padding} end return 0") == 0
    assert machine.reusable


class Mishap(Exception):
    """A bug in an answer."""


@pytest.mark.parametrize("error", [Mishap("x"), KeyboardInterrupt(), AssertionError("y")])
def test_what_an_answer_raises_comes_out_of_start(machine: Machine, error: BaseException) -> None:
    """As itself, past every pcall; and the machine is idle again."""

    def answer(args: list[bytes]) -> Reply:
        raise error

    with pytest.raises(type(error)) as caught:
        start(machine, "while true do pcall(redis.pcall, 'GET', 'k') end", answer)
    assert caught.value is error
    assert run(machine, "return 1") == 1


def test_what_an_answer_raises_later_comes_out_of_resume(machine: Machine) -> None:
    """The script's second call fails."""

    def answer(args: list[bytes]) -> Pending:
        if args[1] == b"2":
            raise Mishap("at 2")
        return PENDING

    body = "pcall(redis.call, 'GET', 1) pcall(redis.call, 'GET', 2) return 'survived'"
    assert isinstance(start(machine, body, answer), Call)
    with pytest.raises(Mishap, match="at 2"):
        machine.resume(None)
    assert run(machine, "return 1") == 1


@pytest.mark.parametrize("value", [1.5, "text", True, 2**63, [b"x", 1.5], object()])
def test_a_reply_of_a_wrong_type_is_an_error_of_who_gave_it(machine: Machine, value: Reply) -> None:
    """Nothing but replies gets into Lua."""
    with pytest.raises(TypeError, match="must be a Reply, got"):
        start(machine, "return pcall(redis.call, 'GET')", lambda args: value)
    assert isinstance(start(machine, "return pcall(redis.call, 'GET')", pending), Call)
    with pytest.raises(TypeError, match="must be a Reply, got"):
        machine.resume(value)
    assert run(machine, "return 1") == 1


def test_misuse_is_refused_and_changes_nothing(machine: Machine) -> None:
    """Each of the three in each state where it makes no sense."""
    with pytest.raises(AssertionError, match="nothing waits, the machine is idle"):
        machine.resume(b"x")
    with pytest.raises(AssertionError, match="nothing waits, the machine is idle"):
        machine.kill(b"ERR x")
    body = "return redis.call('GET', 'k')"
    assert start(machine, body, pending) == Call([b"GET", b"k"])
    with pytest.raises(AssertionError, match="cannot start, the machine is waiting"):
        start(machine, body, pending)
    with pytest.raises(AssertionError, match="cannot compile, the machine is waiting"):
        machine.compile(script("return 1"))
    assert machine.resume(b"value") == Done(b"value")


def test_a_machine_cannot_be_started_from_its_own_answer(machine: Machine) -> None:
    """That would be two scripts in one runtime."""

    def answer(args: list[bytes]) -> Reply:
        return run(machine, "return 1")

    with pytest.raises(AssertionError, match="cannot start, the machine is running"):
        start(machine, "return redis.call('GET')", answer)


def test_one_machine_can_run_a_script_inside_the_answer_of_another() -> None:
    """The outcome goes to whoever started or resumed, from wherever that was."""
    outer, inner = Machine(), Machine()

    def answer(args: list[bytes]) -> Reply:
        reply, waits = run_waiting(inner, FRAME % PLACES["table.sort"], value_of)
        assert waits == 3
        return reply

    assert run(outer, "return 'inner said ' .. redis.call('GET')", answer) == (
        b"inner said <1><2><3>"
    )


def test_an_idle_machine_is_freed_when_nobody_holds_it() -> None:
    """Its greenlet must not keep it alive."""
    machine = Machine()
    run(machine, "return 1")
    assert isinstance(start(machine, "return redis.call('GET')", pending), Call)
    machine.kill(b"ERR x")
    with pytest.raises(Mishap):
        start(machine, "return redis.call('GET')", _fail)
    gone = weakref.ref(machine)
    del machine
    gc.collect()
    assert gone() is None


def _fail(args: list[bytes]) -> Reply:
    raise Mishap


def test_the_answer_of_an_earlier_script_is_not_asked(machine: Machine) -> None:
    """Each start brings its own."""
    run(machine, "return redis.call('GET')", lambda args: b"old")
    with pytest.raises(AssertionError, match="unexpected call"):
        start(machine, "return redis.call('GET')", no_answer)
