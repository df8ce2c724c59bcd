"""What the functions of the `redis` table do on the Python side."""

import pytest

from models.replies import (
    NULL_ARRAY,
    OK,
    BigNumber,
    Boolean,
    Double,
    ErrorReply,
    FlatMap,
    FlatPairs,
    PairMap,
    Reply,
    SetReply,
    Status,
    Verbatim,
)
from models.script.machine import Machine
from tests.models.script.rig import run, run_waiting


def test_arguments_arrive_as_bytes_numbers_with_seventeen_digits(machine: Machine) -> None:
    """Strings pass untouched, zero bytes and all."""
    seen: list[list[bytes]] = []

    def answer(args: list[bytes]) -> Reply:
        seen.append(args)
        return None

    run(machine, "redis.call('SET', 'k\\0\\255', 5, 0.1, 1e17, -7) redis.call('GET', 3)", answer)
    assert seen == [
        [b"SET", b"k\0\xff", b"5", b"0.10000000000000001", b"1e+17", b"-7"],
        [b"GET", b"3"],
    ]


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (b"text\0\xff", b"string text\0\xff"),
        (b"", b"string "),
        (7, b"number 7"),
        (-(2**53), b"number -9.007199254741e+15"),
        (None, b"boolean false"),
        (OK, b"table ok=OK"),
        ([], b"table "),
        ([b"a", 1, None, [b"b"]], b"table 1=a 2=1 3=false 4=table"),
        ([None], b"table 1=false"),
        ([Status(b"QUEUED")], b"table 1=table"),
    ],
)
def test_a_reply_is_converted_as_in_redis(machine: Machine, reply: Reply, seen: bytes) -> None:
    """Whether it is there at once or has to be waited for."""
    body = """
    local reply = redis.call('GET', 'k')
    if type(reply) ~= 'table' then return type(reply) .. ' ' .. tostring(reply) end
    local parts = {}
    for key, value in pairs(reply) do
      parts[#parts + 1] = key .. '=' .. (type(value) == 'table' and 'table' or tostring(value))
    end
    return 'table ' .. table.concat(parts, ' ')
    """
    assert run(machine, body, lambda args: reply) == seen
    assert run_waiting(machine, body, lambda args: reply) == (seen, 1)


def test_nested_replies_come_back_as_they_were(machine: Machine) -> None:
    """Out and in again, nil excepted, which ends an array only where Lua says nil."""
    reply: Reply = [b"a", [1, [Status(b"OK"), ErrorReply(b"ERR no")], []], None, 5]
    assert run(machine, "return redis.call('X')", lambda args: reply) == reply


def test_an_error_is_raised_by_call_and_returned_by_pcall(machine: Machine) -> None:
    """The same table either way."""

    def answer(args: list[bytes]) -> Reply:
        return ErrorReply(b"WRONGTYPE no")

    assert run(machine, "return redis.pcall('GET', 'k')", answer) == ErrorReply(b"WRONGTYPE no")
    raised = run(machine, "\nreturn redis.call('GET', 'k')", answer)
    assert isinstance(raised, ErrorReply)
    assert raised.text.startswith(b"WRONGTYPE no script: ")
    assert raised.text.endswith(b", on @user_script:2.")
    assert run(
        machine,
        """
        local _, seen = xpcall(function() redis.call('GET', 'k') end, function(e) return e end)
        return {seen.err, tostring(seen.ignore_error_stats_update)}
        """,
        answer,
    ) == [b"WRONGTYPE no", b"true"]


def test_an_error_inside_an_array_is_data(machine: Machine) -> None:
    """EXEC is not called from scripts, but nothing here knows that."""
    body = "return redis.call('X')[1].err"
    assert run(machine, body, lambda args: [ErrorReply(b"ERR x")]) == b"ERR x"


def test_a_missing_or_wrong_argument_is_an_error_the_script_can_catch(machine: Machine) -> None:
    """The answer is not asked."""
    bad = b"ERR Lua redis lib command arguments must be strings or integers"
    none = b"ERR Please specify at least one argument for this redis lib call"
    assert run(machine, "return {pcall(redis.call, 'GET', {})}") == [None, bad]
    assert run(machine, "return {pcall(redis.call, redis.call)}") == [None, bad]
    assert run(machine, "return {pcall(redis.call, nil)}") == [None, bad]
    assert run(machine, "return redis.pcall('GET', true)") == ErrorReply(bad)
    assert run(machine, "return {pcall(redis.call)}") == [None, none]
    assert run(machine, "return redis.pcall()") == ErrorReply(none)


def test_thousands_of_arguments_pass(machine: Machine) -> None:
    """BullMQ unpacks 7,000 at once."""
    body = "local t = {} for i = 1, 7900 do t[i] = i end return redis.call('RPUSH', unpack(t))"
    assert run(machine, body, len) == 7901


def test_log_lines_are_kept_for_who_asks_the_newest_hundred_of_one_script(
    machine: Machine,
) -> None:
    """What is neither text nor number is left out, as in Redis."""
    run(machine, "for i = 1, 150 do redis.log(redis.LOG_WARNING, 'line', i, {}, 1.5) end")
    assert len(machine.log) == 100
    assert machine.log[-1] == (3, b"line 150 1.5")
    run(machine, "return 1")
    assert machine.log == []


def test_sha1hex_is_the_digest_of_a_string(machine: Machine) -> None:
    """Numbers count as their text."""
    assert run(machine, "return redis.sha1hex('')") == b"da39a3ee5e6b4b0d3255bfef95601890afd80709"
    assert run(machine, "return redis.sha1hex(5) == redis.sha1hex('5')") == 1


TYPED_REPLIES: list[tuple[Reply, bytes]] = [
    (None, b"nil"),
    (NULL_ARRAY, b"nil"),
    (7, b"7"),
    (b"x", b"'x'"),
    (Boolean(1), b"true"),
    (Boolean(0), b"false"),
    (Double(b"1.5"), b"{double=1.5}"),
    (Double(b"-inf"), b"{double=-inf}"),
    (BigNumber(b"12"), b"{big_number='12'}"),
    (Verbatim.of(b"x", b"txt"), b"{verbatim_string={format='txt',string='x'}}"),
    (SetReply([b"a", 1]), b"{set={1=true,a=true}}"),
    (FlatMap([b"a", Double(b"1")]), b"{map={a={double=1}}}"),
    (PairMap([[b"a", [b"b"]]]), b"{map={a={1='b'}}}"),
    (FlatPairs([b"a", Double(b"1")]), b"{1={1='a',2={double=1}}}"),
    ([None, b"a", None], b"{2='a'}"),
    (Status(b"OK"), b"{ok='OK'}"),
]


@pytest.mark.parametrize(("reply", "seen"), TYPED_REPLIES)
def test_after_setresp_a_script_sees_the_types_of_resp3(
    machine: Machine, reply: Reply, seen: bytes
) -> None:
    """The next script begins with RESP2 again."""
    body = """
    redis.setresp(3)
    local function show(value)
      if type(value) == 'string' then return "'" .. value .. "'" end
      if type(value) ~= 'table' then return tostring(value) end
      local parts = {}
      for key, inner in pairs(value) do parts[#parts + 1] = key .. '=' .. show(inner) end
      table.sort(parts)
      return '{' .. table.concat(parts, ',') .. '}'
    end
    return show(redis.call('X'))
    """
    assert run(machine, body, lambda args: reply) == seen
    assert run_waiting(machine, body, lambda args: reply) == (seen, 1)
    assert run(machine, "return tostring(redis.call('X'))", lambda args: None) == b"false"


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (NULL_ARRAY, b"false"),
        (Boolean(1), b"1"),
        (Double(b"1.5"), b"1.5"),
        (BigNumber(b"12"), b"12"),
        (Verbatim.of(b"x", b"txt"), b"x"),
    ],
)
def test_otherwise_it_sees_those_of_resp2(machine: Machine, reply: Reply, seen: bytes) -> None:
    """Alone and in an array."""
    assert run(machine, "return tostring(redis.call('X'))", lambda args: reply) == seen
    body = "return tostring(redis.call('X')[1])"
    assert run(machine, body, lambda args: [reply]) == seen
    assert run(machine, body, lambda args: FlatMap([reply, 1])) == seen
