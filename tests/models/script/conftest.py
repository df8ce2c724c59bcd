"""Fixtures of the script engine's tests."""

import pytest

from models.script.machine import Machine


@pytest.fixture
def machine() -> Machine:
    """A new machine with the default limits."""
    return Machine()
