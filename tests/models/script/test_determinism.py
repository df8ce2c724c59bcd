"""The same outcome in every process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

# What could differ: the order of pairs, names of things, random numbers, sort with ties, and all
# of it in a machine that has or has not run before.
PROGRAM = """
import sys
from hashlib import sha256
from models.script.cache import ScriptCache
from models.script.machine import Machine

BODY = b'''
local seed = tonumber(ARGV[1])
local t, out = {}, {}
for i = 1, 300 do t['key' .. (i * 7919 * seed) % 1000] = i end
for i = 1, 50 do t[i * 3] = tostring({}) .. tostring(function() end) end
for key, value in pairs(t) do out[#out + 1] = tostring(key) .. '=' .. tostring(value) end
for i = 1, 50 do out[#out + 1] = math.random(1000000) end
for name in pairs(_G) do out[#out + 1] = name end
for name in pairs(redis) do out[#out + 1] = name end
local items = {}
for i = 1, 100 do items[i] = {i % 7, i} end
table.sort(items, function(a, b) return a[1] < b[1] end)
for _, item in ipairs(items) do out[#out + 1] = item[2] end
out[#out + 1] = collectgarbage('count')
out[#out + 1] = {set = {one = true, two = true, three = true, four = true}}
out[#out + 1] = {map = {one = 1, two = 2, three = 3, four = 4}}
return out
'''
script = ScriptCache().load(BODY)
digest = sha256()
machine = Machine()
for number in range(int(sys.argv[1]), 20):
    done = machine.start(script, [], [b'%d' % (number + 1)], lambda args: None)
    if number >= 10:
        digest.update(repr(done).encode())
print(digest.hexdigest())
"""


def digest_of(hash_seed: str, first: int, seed: int = 0) -> str:
    """What one process says that starts at script `first`."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    program = PROGRAM.replace("number + 1", f"number + 1 + {seed}")
    return subprocess.run(
        [sys.executable, "-c", program, str(first)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_processes_agree_whatever_their_hash_seed_and_past() -> None:
    """Ten scripts, in a process that has run ten others before and in one that has not."""
    same = {digest_of("0", 0), digest_of("1", 0), digest_of("4242", 10)}
    assert len(same) == 1
    assert len(same | {digest_of("0", 0, seed=1)}) == 2, "the digest sees nothing"
