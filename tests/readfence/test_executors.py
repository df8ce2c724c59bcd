"""Executors: what is refused."""

import pytest

from readfence.executors import make_executor
from sim.errors import InputError


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            {"name": "inline", "scheduler": "a:1"},
            "--scheduler: expected with --executor dask",
        ),
        ({"name": "dask", "workers": 2, "scheduler": "a:1"}, "--workers: expected with"),
        ({"name": "dask"}, "--executor dask: expected --scheduler"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object], complaint: str) -> None:
    """In the words of the command line."""
    with pytest.raises(InputError, match=f"^{complaint}"):
        make_executor(  # type: ignore[arg-type]
            **{"workers": None, "scheduler": None, "tell": str, **options}
        )
