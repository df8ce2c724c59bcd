"""Generated scripts around cjson, cmsgpack, struct and bit: here and on a real server.

`pytest --long tests/models/script/test_libraries_fuzz.py` runs many more of them.
"""

import json
from collections.abc import Iterator
from hashlib import sha1
from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.script.cache import Script
from models.script.machine import Machine
from models.script.outcome import Done
from tests.models.redis.resp2 import Client
from tests.models.script.rig import no_answer

# Writes a value down with the order of `pairs` and 17 digits of each number.
SHOW = """
local function show(value)
  local kind = type(value)
  if kind == 'number' then return string.format('%.17g', value) end
  if kind == 'string' then return string.format('%q', value) end
  if kind ~= 'table' then return tostring(value) end
  local parts = {}
  for key, inner in pairs(value) do parts[#parts + 1] = show(key) .. '=' .. show(inner) end
  return '{' .. table.concat(parts, ',') .. '}'
end
local function show_all(...)
  local parts = {}
  for i = 1, select('#', ...) do parts[i] = show((select(i, ...))) end
  return table.concat(parts, ' ')
end
"""


@pytest.fixture(scope="module")
def client(redis_server: int) -> Iterator[Client]:
    """A connection for the whole file."""
    client = Client(redis_server)
    yield client
    client.close()


@pytest.fixture(scope="module")
def shared_machine() -> Machine:
    """One machine for the whole file: what a script leaves behind would show."""
    return Machine()


FLUSH_EVERY = 500
asked = count(1)


def same(client: Client, machine: Machine, body: str, *argv: bytes) -> None:
    """The script has the same reply here and there."""
    text = body.encode("latin-1")
    theirs = client.ask(b"EVAL", text, b"0", *argv)
    if next(asked) % FLUSH_EVERY == 0:
        # The server keeps every script it has seen.
        client.ask(b"SCRIPT", b"FLUSH")
    done = machine.start(Script(sha1(text).hexdigest(), text), [], list(argv), no_answer)
    assert isinstance(done, Done)
    assert done.reply == theirs


# Values, as Lua writes them


def lua_text(data: bytes) -> str:
    """A string of these bytes."""
    return '"' + "".join(f"\\{byte:03d}" for byte in data) + '"'


def lua_number(number: float) -> str:
    """A number, all of it."""
    if number != number:
        return "(0/0)"
    if number in (float("inf"), float("-inf")):
        return "(1/0)" if number > 0 else "(-1/0)"
    # Minus zero as a constant would be taken for the constant 0 that the script holds already.
    return f"({number!r})" if number or str(number) == "0" else "(0)"


edges = st.sampled_from([2.0**k + d for k in (7, 8, 15, 16, 31, 32, 51, 52, 53, 63, 64)
                         for d in (-1, 0, 1)])  # fmt: skip
numbers = st.one_of(
    st.integers(-300, 300).map(float),
    edges,
    edges.map(lambda number: -number),
    st.floats(width=32, allow_nan=False),
    st.floats(),
    st.integers(-(10**16), 10**16).map(lambda number: number / 100),
)
texts = st.one_of(
    st.binary(max_size=40),
    st.text('abc/"\\\n\x00\x1f\x7fé', max_size=8).map(str.encode),
    st.sampled_from([31, 32, 255, 256, 65_535, 65_536]).map(lambda size: b"x" * size),
)
keys = st.one_of(
    st.integers(-2, 20).map(lambda key: f"[{key}]"),
    st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12).map(
        lambda key: f"[{lua_text(key.encode())}]"
    ),
    numbers.filter(lambda number: number == number).map(lambda number: f"[{lua_number(number)}]"),
)
scalars = st.one_of(
    numbers.map(lua_number),
    texts.map(lua_text),
    st.sampled_from(["true", "false", "nil", "cjson.null", "redis.call"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=20).map(lambda items: "{" + ",".join(items) + "}"),
        st.lists(st.tuples(keys, inner), max_size=20).map(
            lambda pairs: "{" + ",".join(f"{key}={value}" for key, value in pairs) + "}"
        ),
        st.tuples(inner, st.lists(st.tuples(keys, inner), max_size=5)).map(
            lambda both: "{" + both[0] + "," + ",".join(f"{k}={v}" for k, v in both[1]) + "}"
        ),
    ),
    max_leaves=25,
)


# cjson


@given(value=values)
@example(value="{[true]=1}")
def test_cjson_encodes_the_same_text(client: Client, shared_machine: Machine, value: str) -> None:
    """Or refuses with the same error."""
    same(client, shared_machine, f"return cjson.encode({value})")


SETTINGS = st.sampled_from(
    [
        "encode_sparse_array(true)",
        "encode_sparse_array(false, 0)",
        "encode_sparse_array(true, 3, 4)",
        "encode_sparse_array(false, 1, 2)",
        "encode_max_depth(2)",
        "encode_number_precision(3)",
        "encode_number_precision(13)",
        "encode_keep_buffer(false)",
        "encode_invalid_numbers(true)",
        "encode_invalid_numbers('null')",
        "decode_invalid_numbers(false)",
        "decode_max_depth(2)",
    ]
)


@given(value=values, setting=SETTINGS)
def test_cjson_keeps_to_its_settings(
    client: Client, shared_machine: Machine, value: str, setting: str
) -> None:
    """Of a table of its own, so that the server is left as it was."""
    body = f"""
    local json = cjson.new()
    json.{setting}
    return {{pcall(json.encode, {value})}}
    """
    same(client, shared_machine, body)


DECODE = SHOW + "return show(cjson.decode(ARGV[1]))"
json_pieces = st.one_of(
    st.sampled_from(list("{}[],:\"\\/ \t\n+-0123456789.eExXnN\x00")),
    st.sampled_from(
        ["null", "true", "false", "nan", "-NaN", "inf", "Infinity", "0x1F", "1e5", "-0", "01",
         "1.5e-3", "nul", "tru", '"a"', '"b":', '{"a":', "[1,", "\\u00e9", "\\ud83d\\ude00",
         "\\ud800", "\\n", "\\x", '""', "0x", "1.", ".5", "1e", "0x.8p1", "nan(1)"]
    ),
)  # fmt: skip


@given(text=st.lists(json_pieces, max_size=14).map("".join))
@example(text='{"a":1,"b":[true,null,{}],"c":"\\u0000"}')
def test_cjson_decodes_or_refuses_any_text_alike(
    client: Client, shared_machine: Machine, text: str
) -> None:
    """Up to the character where it goes wrong."""
    same(client, shared_machine, DECODE, text.encode("latin-1"))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=8), st.dictionaries(st.text(max_size=6), inner, max_size=8)
    ),
    max_leaves=30,
)


@given(value=JSON, cut=st.integers(0, 400), insert=st.binary(max_size=2), spaces=st.booleans())
def test_cjson_decodes_documents_and_what_is_left_of_them(
    client: Client, shared_machine: Machine, value: object, cut: int, insert: bytes, spaces: bool
) -> None:
    """Whole ones, and ones with a few bytes in the wrong place."""
    text = json.dumps(value, indent=1 if spaces else None).encode()
    same(client, shared_machine, DECODE, text)
    if cut < len(text):
        same(client, shared_machine, DECODE, text[:cut] + insert + text[cut + 1 :])


@pytest.mark.parametrize("depth", [1, 15, 16, 17, 998, 999, 1000, 1001, 3000])
@pytest.mark.parametrize("opened", ["{t}", "{x = t}", "{t, x = t and 1}"])
@pytest.mark.parametrize("function", ["cjson.encode", "cmsgpack.pack"])
def test_nesting_ends_at_the_same_depth(
    client: Client, shared_machine: Machine, depth: int, opened: str, function: str
) -> None:
    """And says so in the same words."""
    body = f"local t = 1 for i = 1, {depth} do t = {opened} end return {{pcall({function}, t)}}"
    same(client, shared_machine, body)


@pytest.mark.parametrize("maximum", [1000, 100_000])
@pytest.mark.parametrize("depth", [999, 1000, 1001, 2666, 3999, 4000, 7997, 7998, 7999, 9000])
@pytest.mark.parametrize("opened", [b"[", b'{"a":', b'[{"a":'])
def test_decoding_ends_at_the_same_depth(
    client: Client, shared_machine: Machine, depth: int, opened: bytes, maximum: int
) -> None:
    """Where the setting allows more, at the end of the stack that Redis has."""
    body = f"""
    local json = cjson.new()
    json.decode_max_depth({maximum})
    return {{pcall(json.decode, ARGV[1])}}
    """
    same(client, shared_machine, body, opened * depth)


@pytest.mark.parametrize("depth", [2666, 3999, 4000, 7997, 7998, 7999])
@pytest.mark.parametrize("opened", ["{t}", "{x = t}"])
def test_encoding_ends_at_the_end_of_the_stack(
    client: Client, shared_machine: Machine, depth: int, opened: str
) -> None:
    """If the setting allows it to get there."""
    body = f"""
    local json = cjson.new()
    json.encode_max_depth(100000)
    local t = 1
    for i = 1, {depth} do t = {opened} end
    local ok, text = pcall(json.encode, t)
    return {{ok, #text, text:sub(1, 60)}}
    """
    same(client, shared_machine, body)


# cmsgpack


@given(arguments=st.lists(values, min_size=1, max_size=3).map(",".join))
def test_cmsgpack_packs_the_same_bytes(
    client: Client, shared_machine: Machine, arguments: str
) -> None:
    """Any values, one after the other."""
    same(client, shared_machine, f"return cmsgpack.pack({arguments})")


UNPACK = SHOW + "return show_all(cmsgpack.unpack(ARGV[1]))"
codes = st.sampled_from(
    [*range(0x80, 0x90), *range(0x90, 0xA0), *range(0xA0, 0xB0), *range(0xC0, 0xE0), 0, 127, 255]
)


@given(
    data=st.lists(codes.map(lambda code: bytes([code])) | st.binary(max_size=4), max_size=12).map(
        b"".join
    )
)
def test_cmsgpack_unpacks_or_refuses_any_bytes_alike(
    client: Client, shared_machine: Machine, data: bytes
) -> None:
    """Those it does not know, too."""
    same(client, shared_machine, UNPACK, data)


@given(value=values, cut=st.integers(0, 60))
def test_cmsgpack_unpacks_what_it_packed(
    client: Client, shared_machine: Machine, value: str, cut: int
) -> None:
    """And what is left of it if the end is missing."""
    body = f"""{SHOW}
    local packed = cmsgpack.pack({value})
    return {{show_all(cmsgpack.unpack(packed)), pcall(cmsgpack.unpack, packed:sub(1, {cut}))}}
    """
    same(client, shared_machine, body)


places = st.sampled_from(
    ["0", "1", "2", "3", "-1", "9", "1.7", "'1'", "'x'", "nil", "{}", "1/0", "0/0"]
)


@given(data=st.binary(max_size=6), limit=places, offset=places)
def test_cmsgpack_unpacks_a_part_alike(
    client: Client, shared_machine: Machine, data: bytes, limit: str, offset: str
) -> None:
    """Whatever limit and offset are."""
    body = f"""{SHOW}
    return {{show_all(pcall(cmsgpack.unpack_limit, ARGV[1], {limit}, {offset})),
             show_all(pcall(cmsgpack.unpack_one, ARGV[1], {offset}))}}
    """
    same(client, shared_machine, body, data)


# struct

options = st.one_of(
    st.sampled_from(list("bBhHlLTiIfdxsc<>! z@\x01")),
    st.tuples(
        st.sampled_from("iIc!"), st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 32, 33])
    ).map(lambda pair: f"{pair[0]}{pair[1]}"),
)
layouts = st.lists(options, max_size=8).map("".join)


@given(layout=layouts, arguments=st.lists(scalars, max_size=8))
def test_struct_packs_the_same_bytes(
    client: Client, shared_machine: Machine, layout: str, arguments: list[str]
) -> None:
    """Or refuses with the same error, argument and all."""
    given_arguments = "".join(f", {argument}" for argument in arguments)
    body = f"return struct.pack({lua_text(layout.encode())}{given_arguments})"
    same(client, shared_machine, body)


@given(layout=layouts, data=st.binary(max_size=40), offset=st.integers(-2, 5) | st.none())
def test_struct_unpacks_the_same_values(
    client: Client, shared_machine: Machine, layout: str, data: bytes, offset: int | None
) -> None:
    """From any bytes, and gives the same size for the format."""
    argument = "" if offset is None else f", {offset}"
    body = f"""{SHOW}
    return {{show_all(pcall(struct.unpack, ARGV[1], ARGV[2]{argument})),
             show_all(pcall(struct.size, ARGV[1]))}}
    """
    same(client, shared_machine, body, layout.encode(), data)


@given(
    order=st.sampled_from("<>"),
    kind=st.sampled_from("iI"),
    data=st.lists(st.sampled_from([0x00, 0x01, 0x7F, 0x80, 0xFF]), min_size=1, max_size=32),
)
def test_struct_unpacks_integers_of_any_width(
    client: Client, shared_machine: Machine, order: str, kind: str, data: list[int]
) -> None:
    """Their sign stands at a bit that processors find modulo 64."""
    body = f"{SHOW} return show_all(struct.unpack(ARGV[1], ARGV[2]))"
    same(client, shared_machine, body, f"{order}{kind}{len(data)}".encode(), bytes(data))


# bit

functions = st.sampled_from(
    ["tobit", "bnot", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "bswap",
     "tohex"]
)  # fmt: skip
operands = st.one_of(
    numbers.map(lua_number),
    st.integers(-(2**31), 2**32).map(str),
    st.sampled_from(["'7'", "'0x1F'", "'x'", "nil", "{}", "true"]),
)


@given(function=functions, arguments=st.lists(operands, max_size=4))
def test_bit_operations_give_the_same_numbers(
    client: Client, shared_machine: Machine, function: str, arguments: list[str]
) -> None:
    """Of numbers that are no words of 32 bits, too."""
    body = f"{SHOW} return show(bit.{function}({', '.join(arguments)}))"
    same(client, shared_machine, body)


# pairs


@st.composite
def table_life(draw: st.DrawFn) -> str:
    """Statements that make a table grow and shrink."""
    names = st.one_of(
        st.text("abcdefghijklmnopqrstuvwxyzABC0123456789:_-", min_size=1, max_size=40).map(
            lambda name: lua_text(name.encode())
        ),
        st.integers(-3, 40).map(str),
        numbers.filter(lambda number: number == number).map(lua_number),
        st.sampled_from(["true", "false"]),
    )
    pool = draw(st.lists(names, min_size=1, max_size=40))
    begun = draw(st.sampled_from(["", "1, 2, 3", "a = 1, b = 2", "1, x = 2"]))
    changes = st.tuples(st.sampled_from(pool), st.sampled_from(["1", "2", "nil"]))
    lines = [f"t[{name}] = {value}" for name, value in draw(st.lists(changes, max_size=120))]
    return "\n".join([f"local t = {{{begun}}}", *lines])


@given(life=table_life())
def test_pairs_goes_through_a_table_in_the_same_order(
    client: Client, shared_machine: Machine, life: str
) -> None:
    """However it came to be what it is."""
    same(client, shared_machine, f"{SHOW}\n{life}\nreturn {{show(t), #t}}")
