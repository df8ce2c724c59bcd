"""One node: its Raft engine, its store, its script service."""

from dataclasses import dataclass

from models.engine.requests import Asked
from models.service import Service
from models.store.versions import Store
from sim.resources import Servers, Slots


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the cluster."""

    name: str
    engine: Asked
    store: Store
    service: Service
    cores: Servers | None
    """None when they are unlimited."""
    workers: Slots
