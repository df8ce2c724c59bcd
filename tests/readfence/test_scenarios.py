"""Scenario files: found, read, and made into variants."""

from pathlib import Path

import pytest

from readfence.scenarios import find, load, shipped, shipped_folder
from sim.errors import InputError
from tests.packages import need_those_of
from tests.readfence.front_door import LUA, small


def write(text: str, name: str = "s.yaml") -> str:
    """A scenario file in the current directory; its name."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    return name


def test_a_file_goes_before_a_shipped_scenario_of_that_name() -> None:
    """What lies here is what was meant; the name alone is only looked up if nothing does."""
    assert find("verify_storm") == shipped_folder() / "verify_storm.yaml"
    write(small(), "verify_storm")
    assert find("verify_storm") == Path("verify_storm")


def must_fail() -> list[Path]:
    """The gates that must fail."""
    return sorted((shipped_folder() / "must_fail").glob("*.yaml"))


@pytest.mark.parametrize("name", [*shipped(), *(f"must_fail/{p.stem}" for p in must_fail())])
def test_every_shipped_scenario_is_valid_and_tells_its_story(name: str) -> None:
    """A title for tables, a comment for readers, and at least one expectation."""
    need_those_of(name)
    loaded = load(name)
    assert loaded.name == name.rpartition("/")[2]
    assert loaded.scenario.title and loaded.scenario.expect
    assert loaded.path.read_text().startswith("# ")


def test_gates_that_must_fail_are_not_listed() -> None:
    """Who lists scenarios looks for something to run."""
    assert len(must_fail()) >= 4
    assert len(shipped()) >= 10 and "verify_storm" in shipped()
    assert not {path.stem for path in must_fail()} & {"verify_storm", "one_fence_lan"}


def test_a_variant_shares_what_it_does_not_set() -> None:
    """Mappings merge, everything else is replaced; the settings are kept as written."""
    settings = "{network: {lanes: {call_timeout: 1s}}, workload: {clients: 7}, fence: log_read}"
    loaded = load(write(small(("none: {fence: none}", f"other: {settings}"))))
    base, other = (variant.system for variant in loaded.variants)
    assert (base.fence, other.fence) == ("one_fence", "log_read")
    assert other.network.one_way == base.network.one_way
    assert other.network.lanes.call_timeout == 10**9
    assert other.workload[0].clients == 7
    assert other.workload[0].scripts == base.workload[0].scripts
    assert loaded.variants[1].settings["workload"] == {"clients": 7}


def test_null_takes_a_setting_away() -> None:
    """So that a variant can be an open loop where the others are closed."""
    settings = "{workload: {clients: null, arrivals: {rate: 5/s}}}"
    loaded = load(write(small(("none: {fence: none}", f"open: {settings}"))))
    assert loaded.variants[1].system.workload[0].clients is None


def test_without_variants_there_is_one_named_like_its_fence() -> None:
    """The default fence included."""
    text = small().partition("variants:")[0]
    assert [variant.name for variant in load(write(text)).variants] == ["one_fence"]
    named = load(write(text + "fence: log_read\n"))
    assert [variant.name for variant in named.variants] == ["log_read"]


def test_lua_files_are_read_once_and_lie_beside_the_scenario() -> None:
    """Whatever the current directory is."""
    write("return 1", "sub/lua/a.lua")
    loaded = load(write(small((LUA, "lua_file: lua/a.lua")), "sub/s.yaml"))
    assert loaded.lua_files == {"lua/a.lua": "return 1"}


def test_expectations_know_their_lines() -> None:
    """For annotations; one that an option gave has none."""
    text = small() + "  # a comment\n  - errors == 0\n"
    assert load(write(text)).expectation_lines == [18, 20]
    assert load(write(text), ["expect.1=errors < 1"]).expectation_lines == [18, None]


def test_an_override_may_complete_a_scenario() -> None:
    """Options count before anything is checked."""
    path = write(small(("stop: {scripts: 20}\n", "")))
    with pytest.raises(InputError, match=r"s\.yaml: stop: expected a value, got none"):
        load(path)
    assert load(path, ["stop.scripts=5"]).scenario.stop.scripts == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{engine: {tick: 15ms}}", "s.yaml:16: variants.none.engine.heartbeat: expected a whole "
         "number of ticks of 15ms, got '200ms'"),
        ("{workload: {scripts: [{lua: return +}]}}", "s.yaml:16: variants.none.workload.scripts.0."
         "lua: no valid Lua: user_script:1: unexpected symbol near '+'"),
        ("{data: {k: {state: hash_wide, value: x}}}", "s.yaml:16: variants.none.data.k.value: "
         "expected a mapping of field to value for the state hash_wide, got 'x'"),
        ("{cluster: {nodes: 3}, workload: {clients: 1, arrivals: {rate: 1/s}}}",
         "s.yaml:16: variants.none.workload: expected either `clients` (closed loop) or `arrivals` "
         "(open loop), got `clients` and `arrivals`"),
        ("{workload: {scripts: [{command: [GET]}, {command: [GTE]}]}}",
         "s.yaml:16: variants.none.workload.scripts.1.command.0: expected a command "
         "that docs/scenario-reference.md lists"),
    ],
    ids=["default beside", "lua", "data", "group", "command"],
)  # fmt: skip
def test_a_variant_s_own_mistake_is_told_at_its_line(settings: str, message: str) -> None:
    """The line of the variant where the variant says it, not that of what it replaces."""
    with pytest.raises(InputError) as caught:
        load(write(small(("none: {fence: none}", f"none: {settings}"))))
    first = str(caught.value).splitlines()[0]
    assert first.startswith(message)


def test_a_shared_mistake_is_told_once() -> None:
    """Not once per variant."""
    with pytest.raises(InputError) as caught:
        load(write(small(("from: k", "from: kk"))))
    assert len(str(caught.value).splitlines()) == 1
