"""Redis's own programs work with a served store."""

import subprocess
from pathlib import Path

import pytest

from tests.readfence.serving.serving import Served, tool


def cli(served: Served, *arguments: str, given: str = "") -> str:
    """What redis-cli prints."""
    command = [tool("redis-cli"), "-p", str(served.port), *arguments]
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_redis_cli_asks_and_is_answered(served: Served) -> None:
    """In both protocols; whole sessions from its input."""
    assert cli(served, "SET", "cli", "1") == "OK\n"
    assert cli(served, "-3", "INCR", "cli") == "2\n"
    session = "MULTI\nINCR cli\nGET cli\nEXEC\nFOO\n"
    printed = cli(served, given=session)
    assert "QUEUED\nQUEUED\n3\n3\n" in printed
    assert "unknown command 'FOO'" in printed
    assert "redis_version:7.0.15" in cli(served, "INFO")
    assert cli(served, "-3", "CONFIG", "GET", "maxmemory").split() == ["maxmemory", "0"]


def test_redis_cli_runs_a_script_from_a_file(served: Served, tmp_path: Path) -> None:
    """`--eval file keys , arguments`."""
    script = tmp_path / "add.lua"
    script.write_text("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert cli(served, "--eval", str(script), "cli:eval", ",", "5") == "5\n"
    script.write_text("return redis.call('NOPE')")
    assert "Unknown Redis command called from script" in cli(served, "--eval", str(script))


def test_redis_cli_finds_keys_and_big_ones(served: Served) -> None:
    """`--scan` goes through all keys."""
    for number in range(30):
        cli(served, "SET", f"scan:{number}", "x") if number < 3 else None
    found = cli(served, "--scan", "--pattern", "scan:*").split()
    assert sorted(found) == ["scan:0", "scan:1", "scan:2"]


@pytest.mark.parametrize(
    "tests", ["ping_inline,ping_mbulk,set,get,incr", "lpush,rpop,sadd,hset,spop,zadd,zpopmin,mset"]
)
def test_redis_benchmark_runs(served: Served, tests: str) -> None:
    """With 20 connections, and a pipeline."""
    command = [tool("redis-benchmark"), "-p", str(served.port), "-n", "400", "-c", "20", "-q"]
    for extra in ([], ["-P", "16"]):
        done = subprocess.run(
            [*command, "-t", tests, *extra],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("requests per second") >= len(tests.split(",")) - 1
        assert "Error" not in done.stdout + done.stderr


def test_redis_benchmark_runs_scripts(served: Served) -> None:
    """Its own command line: an EVAL with random keys."""
    command = [
        tool("redis-benchmark"), "-p", str(served.port), "-n", "300", "-r", "100", "-q",
        "eval", "return redis.call('incr', KEYS[1])", "1", "bench:__rand_int__",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0
    assert "requests per second" in done.stdout
