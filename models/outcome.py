"""What one variant leaves behind: counters, verdicts and everything written down, as a record."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from models.audit.wire import ledger_verdict
from models.cluster import Cluster
from models.recorder import Recorder
from sim.kernel import Kernel
from sim.record import VariantRecord, digest
from sim.resources import Watch


def variant_record(
    kernel: Kernel,
    cluster: Cluster,
    recorder: Recorder,
    watch: Watch,
    name: str,
    settings: dict[str, Any],
    further: Mapping[str, int] = MappingProxyType({}),
    under_way: int = 0,
) -> VariantRecord:
    """The record of one variant, as it stands now. `name` and `settings` are the variant's;
    `further` are counters besides those of the cluster, `under_way` requests that are cut off.
    """
    counters = cluster.counters() | dict(further)
    ledger = ledger_verdict(
        counted=recorder.counted(),
        rounds=recorder.rounds(),
        begun=counters["rounds.sent"],
        shared=counters["rounds.shared"],
        unclaimed=counters["rounds.unclaimed"],
        log_reads=counters["rounds.log"],
        tap=cluster.tap,
        under_way=under_way,
    )
    content: dict[str, Any] = {
        "counters": counters,
        "columns": recorder.columns(),
        "histograms": recorder.histograms(),
        "sketches": recorder.sketches(),
        "resources": watch.windows(),
        "verdicts": {"safety": recorder.judge.verdict(), "ledger": ledger},
    }
    began = kernel.now if recorder.measured_from is None else recorder.measured_from
    return VariantRecord(
        name=name,
        settings=settings,
        virtual_ns=kernel.now,
        measured_ns=kernel.now - began,
        events=kernel.events,
        labels={
            "load": recorder.loads,
            "script": recorder.scripts,
            "outcome": list(recorder.outcomes),
        },
        timelines=recorder.timelines(),
        digest=digest(**content),
        **content,
    )
