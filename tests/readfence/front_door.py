"""What the tests of the front door share: a small scenario, and ways to call the command."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from readfence.cli import app

SMALL = """\
title: a small scenario
seed: 1
network: {one_way: {base: 400us, jitter: {law: exponential, mean: 100us}}}
data:
  k: {count: 10, state: str_new}
workload:
  name: clients
  clients: 2
  scripts:
    - name: get
      lua: return redis.call('GET', KEYS[1])
      keys: [{from: k}]
stop: {scripts: 20}
variants:
  one_fence: {fence: one_fence}
  none: {fence: none}
expect:
  - one_fence.verifications.per_script == 1
"""
"""Two variants of twenty scripts, and an expectation that is kept."""

KEPT = "one_fence.verifications.per_script == 1"
LUA = "lua: return redis.call('GET', KEYS[1])"
"""Parts of `SMALL` that tests replace."""
LUA_HANGS = """\
return string.find(string.rep('a', 30000), string.rep('a?', 30) .. string.rep('a', 30) .. '$')
"""
"""One call of a C function of Lua that is done in some thousands of years, unless it is refused."""

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
"""Recorded traffic."""


def small(*replacements: tuple[str, str]) -> str:
    """`SMALL` with each first text replaced by the second, once."""
    text = SMALL
    for old, new in replacements:
        assert text.count(old) >= 1, f"{old!r} is not in the scenario"
        text = text.replace(old, new, 1)
    return text


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


def call(*arguments: str | Path, bug: bool = False) -> Ended:
    """Run a command in this process; there must be no traceback, unless a `bug` is planted."""
    words = [str(argument) for argument in arguments]
    result = CliRunner().invoke(app, words, prog_name="readfence", env={"COLUMNS": "100"})
    ended = Ended(result.exit_code, _colourless(result.stdout), _colourless(result.stderr))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{arguments} raised past the command line") from result.exception
    assert bug or "Traceback" not in ended.stdout + ended.stderr, ended.stderr
    return ended


def words(text: str) -> str:
    """A text without frames and line breaks, as help and usage errors have them."""
    return " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())


def _colourless(text: str) -> str:
    """A text as it is where nothing asks for colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def command(*arguments: str | Path) -> list[str]:
    """The words that run the command in a process of its own."""
    return [sys.executable, "-m", "readfence", *(str(argument) for argument in arguments)]


def call_process(*arguments: str | Path, cwd: Path, **environment: str) -> Ended:
    """Run a command in a process of its own; there must be no traceback."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)
