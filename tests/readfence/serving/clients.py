"""Sessions of real clients, each a program of its own: `python clients.py NAME PORT`.

A session takes the same steps whichever server listens on the port. Each has a process of its own,
since some of these libraries start threads and hold connections until their process ends.
"""

import asyncio
import sys
import time
from typing import Any

PATIENCE_S = 30


def bullmq(port: int) -> None:
    """Jobs that are plain, have a priority, or fail; one stays delayed: coming due is a race."""
    from bullmq import Queue, Worker  # noqa: PLC0415

    async def work(job: Any, token: str) -> str:
        if job.data["n"] == 3:
            raise ValueError("cannot be sent")
        return f"sent {job.data['n']}"

    async def session() -> None:
        options = {"connection": {"host": "127.0.0.1", "port": port}}
        queue = Queue("mail", options)
        for number in range(8):
            extra = {5: {"priority": 2}, 6: {"delay": 3_600_000}}.get(number, {})
            await queue.add("send", {"n": number}, {"jobId": f"job{number}", **extra})
        worker = Worker("mail", work, {**options, "drainDelay": 1})
        deadline = time.monotonic() + PATIENCE_S
        while True:
            counts = await queue.getJobCounts("completed", "failed")
            if counts == {"completed": 6, "failed": 1}:
                break
            assert time.monotonic() < deadline, counts
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)  # let the worker see that there is nothing more
        await worker.close()
        await queue.close()

    asyncio.run(session())


def delayed_job(port: int) -> None:
    """A job of bullmq that is due later is worked on later, by a worker who waits for it."""
    from bullmq import Queue, Worker  # noqa: PLC0415

    delay_s = 0.4
    worked: list[tuple[str, float]] = []

    async def work(job: Any, token: str) -> None:
        worked.append((job.name, time.monotonic()))

    async def session() -> None:
        options = {"connection": {"host": "127.0.0.1", "port": port}}
        queue = Queue("later", options)
        worker = Worker("later", work, options)
        added = time.monotonic()
        await queue.add("later", {}, {"delay": int(delay_s * 1000)})
        await queue.add("now", {}, {})
        while (await queue.getJobCounts("completed"))["completed"] < 2:
            assert time.monotonic() < added + PATIENCE_S, worked
            await asyncio.sleep(0.05)
        assert [name for name, _ in worked] == ["now", "later"]
        # Its clock and ours are the same machine's, in whole ms.
        assert worked[1][1] - added > delay_s - 0.01, worked
        await worker.close()
        await queue.close()

    asyncio.run(session())


def limits(port: int) -> None:
    """Three strategies, each until it refuses."""
    from limits import parse  # noqa: PLC0415
    from limits.storage import RedisStorage  # noqa: PLC0415
    from limits.strategies import STRATEGIES  # noqa: PLC0415

    storage = RedisStorage(f"redis://127.0.0.1:{port}")
    limit = parse("5/hour")
    for name, strategy in sorted(STRATEGIES.items()):
        limiter = strategy(storage)
        taken = [limiter.hit(limit, name, "user") for _ in range(7)]
        assert taken == [True] * 5 + [False] * 2, (name, taken)
        assert limiter.get_window_stats(limit, name, "user").remaining == 0
    storage.clear("LIMITS:LIMITER/fixed-window/user/5/1/hour")


def redis_lock(port: int) -> None:
    """Taken, prolonged, held against another, released; one is left."""
    import redis  # noqa: PLC0415

    client = redis.Redis(port=port)
    lock = client.lock("job", timeout=100)
    assert lock.acquire(blocking=False)
    assert not client.lock("job", timeout=100).acquire(blocking=False)
    assert lock.extend(100) and lock.reacquire() and lock.owned()
    lock.release()
    left = client.lock("left", timeout=100)
    assert left.acquire(blocking=False)
    left.local.token = b"somebody else's"
    try:
        left.release()
    except redis.exceptions.LockNotOwnedError:
        return
    raise AssertionError("another's lock was released")


def python_redis_lock(port: int) -> None:
    """Taken, prolonged, released with a signal; one is left."""
    import redis  # noqa: PLC0415
    import redis_lock as library  # noqa: PLC0415

    client = redis.StrictRedis(port=port)
    lock = library.Lock(client, "job", expire=100, id="first")
    other = library.Lock(client, "job", expire=100, id="second")
    assert lock.acquire() and not other.acquire(blocking=False)
    lock.extend(200)
    lock.release()
    assert other.acquire(timeout=5)
    assert client.get("lock:job") == b"second"


def dramatiq(port: int) -> None:
    """Messages that are worked off, one that fails for good, some that wait in a queue."""
    import dramatiq as library  # noqa: PLC0415
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    broker = RedisBroker(port=port, middleware=[])
    library.set_broker(broker)
    done: list[int] = []

    @library.actor(queue_name="work")
    def add(number: int) -> None:
        done.append(number)

    @library.actor(queue_name="later")
    def never(number: int) -> None:
        raise AssertionError(number)

    for number in range(10):
        add.send(number)
    for number in range(3):
        never.send(number)
    worker = library.Worker(broker, queues={"work"}, worker_threads=2, worker_timeout=50)
    worker.start()
    broker.join("work", timeout=PATIENCE_S * 1000)
    worker.join()
    worker.stop()
    assert sorted(done) == list(range(10)), done
    broker.close()


SESSIONS = {
    "bullmq": bullmq,
    "dramatiq": dramatiq,
    "limits": limits,
    "python-redis-lock": python_redis_lock,
    "redis": redis_lock,
}
"""By the package that they need."""

if __name__ == "__main__":
    {**SESSIONS, "delayed_job": delayed_job}[sys.argv[1]](int(sys.argv[2]))
