"""Same scenario, seed and version give the same bytes, in any process; and the test can fail.

What must make no difference: the hash seed of Python, time zone, language, working directory, a
trace. What must: the seed. Faults are planted by `sitecustomize`, a module that Python imports at
its start: an order taken from a set, and a look at the clock.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from greenlet import getcurrent, greenlet

import sim.kernel
from models.world import World
from readfence.scenarios import Loaded, load
from sim.record import VariantRecord, read_run

SCENARIO = """\
seed: 5
cluster: {leader: elect}
network:
  one_way: {law: mixture, parts: [{weight: 9, law: {law: lognormal, median: 1ms, sigma: 0.3}},
                                  {weight: 1, law: {law: exponential, mean: 5ms}}]}
engine: {fsync: {base: 10us, jitter: {law: gamma, mean: 90us, shape: 2}}}
data:
  plain: {count: 50, state: str_new}
  bare: {count: 50, state: str_bare}
  hash: {count: 20, state: hash_wide}
  counter: {count: 2, state: str_new, value: "0"}
workload:
  - name: closed
    clients: 6
    think: {law: exponential, mean: 1ms}
    scripts:
      - name: read
        weight: 2
        lua: |
          local seen = {}
          for _, key in ipairs(KEYS) do seen[key] = redis.call('GET', key) end
          local order = {}
          for key in pairs(seen) do order[#order + 1] = key end
          redis.call('HSET', 'order', 'last', table.concat(order, ' ') .. math.random(1000))
          return #order
        keys: [{from: plain, count: 3, pick: zipf}, {from: bare, count: 2}]
      - name: increment
        lua: return redis.call('INCR', KEYS[1])
        keys: [{from: counter}]
  - name: open
    arrivals: {rate: 300/s, pattern: bursts, burst: 4}
    scripts:
      - {name: hash, send: eval, lua: "return redis.call('HGETALL', KEYS[1])", keys: [{from: hash}]}
      - {name: set, command: [SETEX, 60, "{id}"], keys: [{from: plain}]}
events:
  - {at: 3s, transfer_to: n2}
  - {at: 3500ms, stall: n3, lasting: 40ms}
warmup: {scripts: 10}
stop: {scripts: 120}
variants:
  one_fence: {fence: one_fence}
  per_call: {fence: per_call}
"""
"""Everything that draws, sorts, hashes or retries."""

SEED, OTHER_SEED = "5", "6"

PLANTS = {
    "set": """
from itertools import islice
import models.world as world
draw_tickets = world.draw_tickets
def disordered(*words):
    tickets = draw_tickets(*words)
    first = {f"ticket {ticket.id}": ticket for ticket in islice(tickets, 50)}
    for name in set(first):
        yield first[name]
    yield from tickets
world.draw_tickets = disordered
""",
    "clock": """
import dataclasses, time
import models.cluster as cluster
costs = cluster._local_costs
cluster._local_costs = lambda *words: dataclasses.replace(
    costs(*words), script=59_000 + time.time_ns() % 997
)
""",
}
"""What must not be in readfence: the order of a set, the machine's clock."""


@dataclass(frozen=True)
class Surroundings:
    """What differs between the processes."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    seed: str = SEED


AT_HOME = Surroundings("home", {"PYTHONHASHSEED": "0", "TZ": "UTC", "LANG": "C.UTF-8"})
ABROAD = Surroundings("abroad", {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LANG": "de_DE"})
TRACED = Surroundings(
    "traced",
    {"PYTHONHASHSEED": "4294967295", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8"},
    ("--trace", "trace.jsonl"),
)
OTHERWISE = Surroundings("otherwise", AT_HOME.environment, seed=OTHER_SEED)


class Process:
    """One run in a process and a folder of its own."""

    def __init__(self, around: Surroundings, folder: Path, *, plant: str | None) -> None:
        self.folder = folder / f"{plant}-{around.name}"
        self.folder.mkdir()
        (self.folder / "mixed.yaml").write_text(SCENARIO)
        environment = {**os.environ, **around.environment}
        if plant is not None:
            (self.folder / "sitecustomize.py").write_text(PLANTS[plant])
            environment["PYTHONPATH"] = f"{self.folder}{os.pathsep}{Path.cwd()}"
        words = ["run", "mixed.yaml", "--no-plots", "--quiet", "--out", ".", "--seed", around.seed]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "readfence", *words, *around.options],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def record(self) -> bytes:
        """The bytes of its run.json, when it has ended."""
        output, _ = self._process.communicate(timeout=120)
        assert (self._process.returncode, output) == (0, "")
        return (self.folder / "run.json").read_bytes()


def records(folder: Path, *around: Surroundings, plant: str | None = None) -> list[bytes]:
    """The run.json of each, all run at the same time."""
    processes = [Process(each, folder, plant=plant) for each in around]
    return [process.record() for process in processes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes leave their files."""
    return tmp_path_factory.mktemp("determinism")


@pytest.fixture(scope="module")
def home(folder: Path) -> bytes:
    """The record that the others are compared with; nothing in it is trivial."""
    (record,) = records(folder, AT_HOME)
    run = read_run(folder / "None-home" / "run.json")
    assert [variant.name for variant in run.variants] == ["one_fence", "per_call"]
    for variant in run.variants:
        assert len(variant.columns["latency_ns"]) == 240
        assert variant.counters["conflicts"] > 0, "nothing was retried"
        assert len(set(variant.columns["latency_ns"])) > 120, "hardly anything was drawn"
    return record


def test_equal_input_gives_equal_bytes_in_any_process(folder: Path, home: bytes) -> None:
    """Whatever the hash seed, the time zone, the language, the folder, and with a trace."""
    abroad, traced = records(folder, ABROAD, TRACED)
    assert home == abroad == traced
    assert (folder / "None-traced" / "trace.jsonl").stat().st_size > 100_000


def test_another_seed_is_another_run(folder: Path, home: bytes) -> None:
    """Else the equality above would say nothing."""
    (other,) = records(folder, OTHERWISE)
    assert digests(other)[0] != digests(home)[0]
    assert not set(digests(other)) & set(digests(home))


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_fault_is_found(folder: Path, plant: str) -> None:
    """The comparison above fails if models iterate over a set or look at the clock."""
    home, abroad = records(folder, AT_HOME, ABROAD, plant=plant)
    assert home != abroad
    assert digests(home) != digests(abroad)


def digests(record: bytes) -> list[str]:
    """The digest of each variant."""
    return [variant["digest"] for variant in json.loads(record)["variants"]]


# -- in one process -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    """The scenario, read."""
    path = folder / "mixed.yaml"
    path.write_text(SCENARIO)
    return load(str(path))


def world(loaded: Loaded, variant: int, *, seed: int = 5, tie_seed: int | None = None) -> World:
    """A world of one variant; with a `tie_seed`, events of one instant are shuffled."""
    chance = None if tie_seed is None else random.Random(tie_seed)
    return World(
        loaded.variants[variant].system,
        seed=seed,
        lua_files=loaded.lua_files,
        tie_break=None if chance is None else lambda: chance.randrange(1_000),
    )


def test_a_world_in_this_process_is_the_one_of_the_command(loaded: Loaded, home: bytes) -> None:
    """So what follows is about the same thing."""
    found = [world(loaded, i).run("w", {}).digest for i in (0, 1)]
    assert found == digests(home)


@pytest.mark.parametrize("variant", [0, 1], ids=["one_fence", "per_call"])
def test_the_order_of_an_instant_decides_nothing(loaded: Loaded, variant: int) -> None:
    """Shuffled, figures may differ; verdicts, and how many scripts they are about, do not."""
    shuffled = [world(loaded, variant, tie_seed=seed).run("w", {}) for seed in range(3)]
    told = [
        (
            {name: verdict.verdict for name, verdict in record.verdicts.items()},
            record.verdicts["safety"].checked,
            len(record.columns["latency_ns"]),
        )
        for record in [world(loaded, variant).run("w", {}), *shuffled]
    ]
    assert told == [({"safety": "ok", "ledger": "ok"}, 260, 240)] * 4


def test_shuffling_shuffles(loaded: Loaded) -> None:
    """Bursts arrive at one instant: in another order they are answered at other times."""
    found = {world(loaded, 0, tie_seed=seed).run("w", {}).digest for seed in range(3)}
    assert len(found) == 3


def interleaved(worlds: list[World], monkeypatch: pytest.MonkeyPatch) -> list[VariantRecord]:
    """Run worlds in turns of a few events, each in a greenlet; what they record."""
    monkeypatch.setattr(sim.kernel, "CHUNK", 5)
    main = getcurrent()
    turns = 0

    def pause() -> str | None:
        nonlocal turns
        turns += 1
        main.switch()
        return None

    tasks = [greenlet(lambda each=each: each.run("w", {}, pause)) for each in worlds]
    ended: dict[int, VariantRecord] = {}
    while len(ended) < len(tasks):
        for i, task in enumerate(tasks):
            if i not in ended:
                result = task.switch()
                if task.dead:
                    ended[i] = result
    assert turns > 1_000, "they hardly took turns"
    return [ended[i] for i in range(len(tasks))]


def test_worlds_that_take_turns_record_what_they_record_alone(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is shared between them: no clock, no chance, no cache, no counter."""

    def worlds() -> Iterator[World]:
        yield world(loaded, 0)
        yield world(loaded, 1)
        yield world(loaded, 0, seed=6)

    alone = [each.run("w", {}) for each in worlds()]
    together = interleaved(list(worlds()), monkeypatch)
    assert together == alone
    assert len({record.digest for record in alone}) == 3


def test_the_digest_is_over_what_was_counted_and_measured(home: bytes) -> None:
    """A change of one latency by one nanosecond changes it."""
    run = json.loads(home)
    VariantRecord.model_validate(run["variants"][0])
    run["variants"][0]["columns"]["latency_ns"][0] += 1
    with pytest.raises(ValueError, match="the digest does not match"):
        VariantRecord.model_validate(run["variants"][0])
