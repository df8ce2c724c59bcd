"""INFO: what the server tells of itself, in the form that clients parse."""

from collections.abc import Callable
from typing import Final

from models.replies import Verbatim
from models.server.server import Server
from sim.units import NS_PER, SECOND

VERSION: Final = "7.0.15"
"""The Redis whose answers are given."""


def _server(server: Server) -> dict[str, object]:
    up = max(server.clock.read() - server.began_ns, 0) // SECOND
    return {
        "redis_version": VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_mode": "standalone",
        "os": "readfence",
        "arch_bits": 64,
        "multiplexing_api": "virtual",
        "process_id": 1,
        "run_id": server.run_id,
        "tcp_port": server.port,
        "server_time_usec": server.clock.read() // NS_PER["us"],
        "uptime_in_seconds": up,
        "uptime_in_days": up // 86400,
        "hz": 10,
        "executable": "readfence",
        "config_file": "",
    }


def _clients(server: Server) -> dict[str, object]:
    return {
        "connected_clients": len(server.sessions),
        "maxclients": server.settings.clients_max,
        "blocked_clients": server.waiting.count,
        "tracking_clients": 0,
    }


def _memory(server: Server) -> dict[str, object]:
    return {
        "used_memory": 1_000_000,
        "used_memory_human": "976.56K",
        "used_memory_peak": 1_000_000,
        "maxmemory": 0,
        "maxmemory_human": "0B",
        "maxmemory_policy": "noeviction",
        "mem_allocator": "virtual",
    }


def _persistence(server: Server) -> dict[str, object]:
    return {
        "loading": 0,
        "async_loading": 0,
        "rdb_changes_since_last_save": 0,
        "rdb_bgsave_in_progress": 0,
        "rdb_last_save_time": server.began_ns // SECOND,
        "rdb_last_bgsave_status": "ok",
        "aof_enabled": 0,
        "aof_rewrite_in_progress": 0,
        "aof_last_write_status": "ok",
    }


def _stats(server: Server) -> dict[str, object]:
    return {
        "total_connections_received": server.connections,
        "total_commands_processed": server.commands,
        "instantaneous_ops_per_sec": 0,
        "rejected_connections": server.rejected,
        "expired_keys": 0,
        "evicted_keys": 0,
        "keyspace_hits": 0,
        "keyspace_misses": 0,
        "pubsub_channels": len(server.channels.channels),
        "pubsub_patterns": len(server.channels.patterns),
    }


def _replication(server: Server) -> dict[str, object]:
    return {
        "role": "master",
        "connected_slaves": 0,
        "master_failover_state": "no-failover",
        "master_replid": server.run_id,
        "master_repl_offset": 0,
    }


def _cpu(server: Server) -> dict[str, object]:
    return {"used_cpu_sys": "0.000000", "used_cpu_user": "0.000000"}


def _modules(server: Server) -> dict[str, object]:
    return {}


def _errorstats(server: Server) -> dict[str, object]:
    return {}


def _cluster(server: Server) -> dict[str, object]:
    return {"cluster_enabled": 0}


def _keyspace(server: Server) -> dict[str, object]:
    count = server.leader().key_count()
    return {"db0": f"keys={count},expires=0,avg_ttl=0"} if count else {}


_SECTIONS: Final[dict[bytes, tuple[str, Callable[[Server], dict[str, object]]]]] = {
    b"server": ("Server", _server),
    b"clients": ("Clients", _clients),
    b"memory": ("Memory", _memory),
    b"persistence": ("Persistence", _persistence),
    b"stats": ("Stats", _stats),
    b"replication": ("Replication", _replication),
    b"cpu": ("CPU", _cpu),
    b"modules": ("Modules", _modules),
    b"errorstats": ("Errorstats", _errorstats),
    b"cluster": ("Cluster", _cluster),
    b"keyspace": ("Keyspace", _keyspace),
}
_ALL: Final = (b"all", b"default", b"everything")


def information(server: Server, sections: list[bytes]) -> Verbatim:
    """The sections asked for, all without a name or with `all`; an unknown one is empty."""
    everything = not sections or any(section in _ALL for section in sections)
    parts = []
    for key, (title, tell) in _SECTIONS.items():
        if everything or key in sections:
            lines = "".join(f"{name}:{value}\r\n" for name, value in tell(server).items())
            parts.append(f"# {title}\r\n{lines}")
    return Verbatim.of("\r\n".join(parts).encode(), b"txt")
