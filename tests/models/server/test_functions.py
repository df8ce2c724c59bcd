"""Redis functions: what libraries register, and what runs; held against a real redis-server."""

import shlex

import pytest

from models.replies import OK, ErrorReply, Reply
from tests.models.redis.resp2 import Client
from tests.models.server.rig import ServerStage, Talk

HEAD = "#!lua name=abc\n"
LIBRARY = f"""{HEAD}
local function count(list) return #list end
redis.register_function('f', function(keys, args) return {{keys[1], args[1], count(keys)}} end)
redis.register_function{{
  function_name = 'Reads', description = 'what it does', flags = {{'no-writes', 'allow-stale'}},
  callback = function(keys) return redis.call('GET', keys[1]) end,
}}
redis.register_function('writes', function(keys) return redis.call('SET', keys[1], '1') end)
"""
FUNCTIONS = (
    "return redis.call('nosuch')",
    "error('boo')",
    "local x = nil\n return x.y",
    "return redis.call('SET', 'a')",
    "return redis.pcall('SET', 'a')",
    "redis.call('SET', 'a', 'x')\n return redis.call('INCR', 'a')",
    "return redis.error_reply('MY err')",
    "error({err = 'ERR table'})",
    "global = 1",
    "return nosuch",
    "return KEYS",
    "return loadstring('return KEYS')()",
    "return loadstring([[return {redis.call('GET', 'a'), _G.redis == redis}]])()",
    "return redis.register_function('g', function() end)",
    "return {type(redis.register_function), type(redis.debug), type(redis.breakpoint)}",
    "return {_G.redis == redis, type(cjson.encode), math.floor(1.5), type(getmetatable(_G))}",
    "local names = {} for name in pairs(redis) do names[#names + 1] = name end"
    " table.sort(names) return names",
    "redis.setresp(3) return redis.call('HGETALL', 'none')",
    "return redis.status_reply('FINE'), 2",
    "local function inner() return redis.call('LPUSH') end\n return inner()",
    "return pcall(redis.register_function)",
    "redis.foo = 1",
    "rawset(_G, 'x', 1)",
    "return select('#', ...)",
    "return rawget(_G, 'KEYS') == nil",
    "return redis.call('PFCOUNT', 'a')",
)
"""Bodies of a function that is called with no keys and one argument."""
LOADED = (
    "",
    "return 1",
    "#!lua\nx",
    "#!js name=a\n",
    "#!lua name=a-b\n",
    "#!lua name=a foo=1\n",
    "#!lua name=a name=b\n",
    "#!lua name=\n",
    "#!lua name=abc",
    "#!\n",
    "#!js name=a-b\n",
    "#! lua name=abc\n",
    "#!lua name=a name=b foo=1\n",
    "#!lua foo=1 name=a name=b\n",
    "#!lua name='a\n",
    "#!lua name='a'b\n",
    "#!lua name=''\n",
    "#!lua name='abc'\nredis.register_function('q', function() end)",
    '#!"lua" NAME="\\x61"\nredis.register_function("q", function() end)',
    f"{HEAD}return 1",
    f"{HEAD}local x = = 1",
    f"{HEAD}error('x')",
    f"{HEAD}local t = nil; t.x = 1",
    f"{HEAD}x = 1",
    f"{HEAD}redis.call('GET', 'a')",
    f"{HEAD}redis.sha1hex('x')",
    f"{HEAD}redis.foo = 1",
    f"{HEAD}math.foo = 1",
    f"{HEAD}redis.log(redis.LOG_NOTICE, redis.REDIS_VERSION)",
    f"{HEAD}redis.register_function('q')",
    f"{HEAD}redis.register_function()",
    f"{HEAD}redis.register_function('q', 1)",
    f"{HEAD}redis.register_function('q', function() end, 1)",
    f"{HEAD}redis.register_function(1, function() end)",
    f"{HEAD}redis.register_function(function() end, 'q')",
    f"{HEAD}redis.register_function('a-b', function() end)",
    f"{HEAD}redis.register_function{{function_name = 'q'}}",
    f"{HEAD}redis.register_function{{callback = function() end}}",
    f"{HEAD}redis.register_function{{function_name = 1, callback = function() end}}",
    f"{HEAD}redis.register_function{{function_name = 'q', callback = 1}}",
    f"{HEAD}redis.register_function{{FUNCTION_NAME = 'q', callback = function() end}}",
    f"{HEAD}redis.register_function{{function_name = 'q', callback = function() end, flags = 1}}",
    f"{HEAD}redis.register_function{{flags = {{2}}}}",
    f"{HEAD}redis.register_function{{function_name = 'q', callback = function() end, x = 1}}",
    f"{HEAD}redis.register_function{{'q', function() end}}",
    f"{HEAD}redis.register_function('q', function() end) redis.register_function('q', print)",
    f"{HEAD}for _ = 1, 2 do redis.register_function('q', function() end) end",
)
SESSION = """
FCALL f 1 key value
fcall F 1 key value
FCALL f 0
FCALL f x
FCALL f -1
FCALL f 2 key
FCALL f
FCALL nosuch 0
FCALL nosuch x
FCALL nosuch 1
FCALL_RO nosuch -1
FCALL_RO nosuch 0
FCALL writes 1 key
FCALL Reads 1 key
FCALL_RO reads 1 key
FCALL_RO writes 1 key
FUNCTION LOAD other
FUNCTION LOAD NOSUCH other
FUNCTION LOAD "#!lua name=abc"
FUNCTION FLUSH SYNC SYNC
COMMAND GETKEYS FCALL f 2 a b c
FUNCTION LOAD REPLACE
FUNCTION LOAD
FUNCTION LIST LIBRARYNAME A*c WITHCODE
FUNCTION LIST LIBRARYNAME nosuch
FUNCTION LIST LIBRARYNAME
FUNCTION LIST NOSUCH
FUNCTION LIST WITHCODE WITHCODE
FUNCTION STATS
FUNCTION KILL
FUNCTION DELETE nosuch
FUNCTION FLUSH NOSUCH
EVAL "return redis.call('FCALL', 'f', 0)" 0
EVAL "return redis.call('FUNCTION', 'LIST')" 0
MULTI
FCALL writes 1 key
FCALL nosuch 0
FCALL f x
EXEC
FUNCTION DELETE abc
FCALL f 0
FUNCTION FLUSH SYNC
FUNCTION LIST
"""


@pytest.fixture
def talk() -> Talk:
    """A client of a server that knows no functions."""
    return ServerStage().client()


@pytest.fixture
def real(client: Client) -> Client:
    """A real server that knows no functions."""
    assert client.ask(b"FUNCTION", b"FLUSH") == OK
    return client


def sorted_by_name(words: list[bytes], reply: Reply) -> Reply:
    """The reply; functions of a library, which Redis lists in any order, by their names."""
    if words[:2] == [b"FUNCTION", b"LIST"] and isinstance(reply, list):
        for library in reply:
            library[5].sort()
    return reply


def both(talk: Talk, real: Client, *words: str | bytes) -> tuple[Reply, Reply]:
    """What the server and a real one reply."""
    sent = [word if isinstance(word, bytes) else word.encode() for word in words]
    return sorted_by_name(sent, talk.ask(*sent)), sorted_by_name(sent, real.ask(*sent))


@pytest.mark.parametrize("body", FUNCTIONS)
def test_a_function_sees_and_replies_what_it_does_in_redis(
    talk: Talk, real: Client, body: str
) -> None:
    """Its errors name it, and the line of its library."""
    text = f"{HEAD}redis.register_function('name', function(...)\n {body}\nend)"
    ours, theirs = both(talk, real, "FUNCTION", "LOAD", text)
    assert ours == theirs == b"abc"
    ours, theirs = both(talk, real, "FCALL", "name", "0", "argument")
    assert ours == theirs


@pytest.mark.parametrize("text", LOADED)
def test_a_library_is_loaded_or_refused_as_in_redis(talk: Talk, real: Client, text: str) -> None:
    """Nothing can be used but `redis.register_function` and the log."""
    ours, theirs = both(talk, real, "FUNCTION", "LOAD", text)
    assert ours == theirs
    ours, theirs = both(talk, real, "FUNCTION", "LIST")
    assert ours == theirs


def test_a_session_with_functions_is_that_of_redis(talk: Talk, real: Client) -> None:
    """Names of functions are the same in capitals."""
    ours, theirs = both(talk, real, "FUNCTION", "LOAD", LIBRARY)
    assert ours == theirs == b"abc"
    for line in SESSION.strip().splitlines():
        ours, theirs = both(talk, real, *shlex.split(line))
        assert ours == theirs, line


def test_a_library_takes_no_name_of_another(talk: Talk, real: Client) -> None:
    """Of a library, or of a function; it may take its own place."""
    one = f"{HEAD}redis.register_function('f', function() return 1 end)"
    other = "#!lua name=other\nredis.register_function('F', function() return 2 end)"
    for words in (
        ("FUNCTION", "LOAD", one),
        ("FUNCTION", "LOAD", one),
        ("FUNCTION", "LOAD", f"{HEAD}this is not even Lua"),
        ("FUNCTION", "LOAD", other),
        ("FUNCTION", "LOAD", "REPLACE", one.replace("1", "3").replace("'f'", "'g'")),
        ("FCALL", "f", "0"),
        ("FCALL", "g", "0"),
        ("FUNCTION", "LOAD", other),
        ("FUNCTION", "LOAD", "replace", other.replace("2", "4")),
        ("FCALL", "f", "0"),
    ):
        ours, theirs = both(talk, real, *words)
        assert ours == theirs, words


def test_a_function_registers_no_other(talk: Talk, real: Client) -> None:
    """Not with what it has kept from the loading either."""
    text = (
        f"{HEAD}local register = redis.register_function\n"
        "register('f', function() return redis.pcall('SET') end)\n"
        "register('g', function() register('h', function() end) end)"
    )
    for words in (("FUNCTION", "LOAD", text), ("FCALL", "g", "0"), ("FCALL", "f", "0")):
        ours, theirs = both(talk, real, *words)
        assert ours == theirs, words


@pytest.mark.parametrize(
    "words",
    [
        ("FUNCTION", "LOAD", "a\r\n+b", "x"),
        ("FUNCTION", "LIST", "a\r\n+b"),
        ("FUNCTION", "LOAD", "#!lua name=a 'b\\r\\nc'\n"),
        ("FUNCTION", "LOAD", '#!lua "b\\r\\nc"\n'),
        ("FUNCTION", "LOAD", '#!"b\\r\\nc" name=a\n'),
        ("EVAL", '#!"b\\r\\nc"\n', "0"),
        ("EVAL", '#!lua "b\\r\\nc"\n', "0"),
        ("EVAL", '#!lua flags="b\\r\\nc"\n', "0"),
    ],
)
def test_a_refusal_that_repeats_a_word_is_one_line(talk: Talk, words: tuple[str, ...]) -> None:
    """Whatever the word: what a client reads next would be part of it."""
    assert isinstance(talk.ask(*words), ErrorReply)
    assert talk.raw.count(b"\r") == talk.raw.count(b"\n") == 1


def test_a_function_is_listed_as_maps_in_resp3(talk: Talk) -> None:
    """Flags are a set."""
    talk.ask("HELLO", "3")
    talk.ask("FUNCTION", "LOAD", f"{HEAD}redis.register_function('f', function() end)")
    talk.ask("FUNCTION", "LIST")
    assert talk.raw == (
        b"*1\r\n%3\r\n$12\r\nlibrary_name\r\n$3\r\nabc\r\n$6\r\nengine\r\n$3\r\nLUA\r\n"
        b"$9\r\nfunctions\r\n*1\r\n%3\r\n$4\r\nname\r\n$1\r\nf\r\n$11\r\ndescription\r\n_\r\n"
        b"$5\r\nflags\r\n~0\r\n"
    )


def test_what_a_library_keeps_lasts_for_one_call(talk: Talk) -> None:
    """In Redis it would last until the library is loaded again (see docs/scripts.md)."""
    text = f"{HEAD}local n = 0\nredis.register_function('f', function() n = n + 1 return n end)"
    talk.ask("FUNCTION", "LOAD", text)
    assert [talk.ask("FCALL", "f", "0") for _ in range(2)] == [1, 1]


def test_a_function_without_end_is_ended() -> None:
    """As a script is, by its instructions; so is the loading of a library."""
    client = ServerStage(script={"instructions": 100_000}).client()
    endless = "while true do end"
    refused = client.ask("FUNCTION", "LOAD", f"{HEAD}{endless}")
    assert isinstance(refused, ErrorReply) and b"script.instructions" in refused.text
    client.ask("FUNCTION", "LOAD", f"{HEAD}redis.register_function('f', function() {endless} end)")
    ended = client.ask("FCALL", "f", "0")
    assert isinstance(ended, ErrorReply) and b"script.instructions" in ended.text
    assert client.ask("FCALL", "nosuch", "0") == ErrorReply(b"ERR Function not found")


@pytest.mark.parametrize(("fence", "verifications"), [("one_fence", 1), ("per_call", 3)])
def test_a_function_is_fenced_as_a_script(fence: str, verifications: int) -> None:
    """Once at its start, or at each string that it reads."""
    stage = ServerStage(fence=fence)
    client = stage.client()
    body = "for _, key in ipairs(keys) do redis.call('GET', key) end"
    text = f"{HEAD}redis.register_function('f', function(keys) {body} end)"
    client.ask("FUNCTION", "LOAD", text)
    for key in "abc":
        client.ask("SET", key, "1")
    recorder = stage.world.recorder
    before = sum(recorder.by_site())
    client.ask("FCALL", "f", 3, "a", "b", "c")
    assert sum(recorder.by_site()) - before == verifications
