"""A served store that the tests of a module share."""

from collections.abc import Iterator

import pytest

from tests.readfence.serving.serving import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Served as fast as it goes; tests use keys of their own."""
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running
