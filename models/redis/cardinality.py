"""PFADD, PFCOUNT and PFMERGE. Replies are those of Redis 7, and so is the string they keep."""

from models.redis.context import Context
from models.redis.hyperloglog import REGISTERS, HyperLogLog, estimate
from models.replies import OK, Reply


def _load(context: Context, name: bytes) -> tuple[HyperLogLog, bool]:
    """The HyperLogLog of a key, an empty one where there is none; whether there is one."""
    value = context.load_string(context.key(name))
    return HyperLogLog(value.data if value.exists else None), value.exists


def pfadd(context: Context, args: list[bytes]) -> Reply:
    """PFADD key [element ...]: 1 if that changed it."""
    log, exists = _load(context, args[1])
    changed = not exists
    try:
        for element in args[2:]:
            changed |= log.add(element)
    finally:  # what was added before damage was met stays
        if changed:
            log.outdate()
            context.write_string(context.key(args[1]), log.text())
    return int(changed)


def _merged(context: Context, names: list[bytes]) -> tuple[list[HyperLogLog], list[int]]:
    """Those of some keys, and the largest of each register. What is damaged is met in turn."""
    logs = []
    registers = [0] * REGISTERS
    for name in names:
        log, _ = _load(context, name)
        registers = list(map(max, registers, log.registers))
        logs.append(log)
    return logs, registers


def pfcount(context: Context, args: list[bytes]) -> Reply:
    """PFCOUNT key [key ...]: of one key, the count is kept with it, which is a write."""
    if len(args) > 2:
        return estimate(_merged(context, args[1:])[1])
    log, exists = _load(context, args[1])
    count, computed = log.estimate()
    if exists and computed:
        context.write_string(context.key(args[1]), log.text())
    return count


def pfmerge(context: Context, args: list[bytes]) -> Reply:
    """PFMERGE destination [source ...]: the destination counts as a source."""
    logs, merged = _merged(context, args[1:])
    target = logs[0]
    if any(log.dense is not None for log in logs):
        target.make_dense()
    for index, value in enumerate(merged):
        if value:
            target.raise_to(index, value)
    target.outdate()
    context.write_string(context.key(args[1]), target.text())
    return OK
