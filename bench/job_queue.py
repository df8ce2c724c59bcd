"""Make the recording that the scenario `job_queue` replays: real BullMQ clients in steady traffic.

    python -m bench.job_queue scenarios/recordings/job_queue.jsonl

Starts a redis-server and `readfence record` before it, and runs a queue and a worker of the
PyPI package bullmq. Jobs come one at a time and slowly, so that a replay keeps their order even
where a fence makes every script take a hundred times as long. The texts of the scripts are not
written: their SHA-1 stands in their place, and the replay reads them from the installed package.
"""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
from hashlib import sha1
from pathlib import Path
from typing import Any

from readfence.packages import lua_files_of

JOBS = 60
GAP_S = 0.15
"""Between two jobs."""
WORK_S = 0.04
"""What a worker does with a job."""
DRAIN_DELAY_S = 10
"""How long an idle worker waits for a job before it asks again."""


async def drive(port: int) -> None:
    """One producer, one worker; one job in twenty has a priority, and one is delayed."""
    from bullmq import Queue, Worker  # noqa: PLC0415

    async def work(job: Any, token: str) -> dict[str, Any]:
        await asyncio.sleep(WORK_S)
        return {"sent": job.data["to"]}

    options = {"connection": {"host": "127.0.0.1", "port": port}}
    settings = {"drainDelay": DRAIN_DELAY_S, "metrics": {"maxDataPoints": 60}}
    worker = Worker("mail", work, {**options, **settings})
    queue = Queue("mail", options)
    for number in range(JOBS):
        await asyncio.sleep(GAP_S)
        data = {"to": f"user{number}@example.org", "template": "welcome", "retry": False}
        extra = {7: {"priority": 5}, 17: {"delay": 40}}.get(number % 20, {})
        await queue.add("send", data, {"removeOnComplete": {"count": 5}, **extra})
    await asyncio.sleep(GAP_S)
    await worker.close()
    await queue.close()


def without_scripts(text: str, packages: list[str]) -> str:
    """A recording with the packages' scripts named by their SHA-1."""
    bodies = {
        body.decode(): sha1(body).hexdigest() for name in packages for body in lua_files_of(name)
    }
    lines = []
    for line in text.splitlines():
        event = json.loads(line)
        if event["ev"] == "cmd":
            event["cmd"] = [
                {"script": bodies[word]} if isinstance(word, str) and word in bodies else word
                for word in event["cmd"]
            ]
        lines.append(json.dumps(event, ensure_ascii=False) + "\n")
    return "".join(lines)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Record."""
    file, port = Path(sys.argv[1]), _free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--save", "", "--dir", folder, "--logfile", f"{folder}/log"]
        redis = subprocess.Popen(["redis-server", *options])
        command = ["-m", "readfence", "record", str(file), "--listen", "0"]
        proxy = subprocess.Popen(
            [sys.executable, *command, "--upstream", f"127.0.0.1:{port}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert proxy.stdout is not None
            found = re.search(r" 127\.0\.0\.1:(\d+)", proxy.stdout.readline())
            assert found is not None, "the proxy does not listen"
            asyncio.run(drive(int(found[1])))
        finally:
            proxy.send_signal(signal.SIGINT)
            proxy.wait()
            redis.terminate()
            redis.wait()
    file.write_text(without_scripts(file.read_text(), ["bullmq"]))


if __name__ == "__main__":
    main()
