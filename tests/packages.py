"""Packages of the extra `clients`: without them a test is skipped, though not in CI."""

import os
from importlib.metadata import PackageNotFoundError, distribution

import pytest

NEEDED_BY = {"job_queue": "bullmq", "locks": "redis", "rate_limiter": "limits"}
"""Shipped scenarios whose scripts are read from a package."""


def need(*packages: str) -> None:
    """Go on with these packages only."""
    for package in packages:
        try:
            distribution(package)
        except PackageNotFoundError:
            reason = f"{package} is not installed: pip install -e '.[clients]'"
            if os.environ.get("CI"):
                pytest.fail(f"{reason}; CI must not go without it")
            pytest.skip(reason)


def need_those_of(scenario: str) -> None:
    """Go on with the packages of this scenario only."""
    if scenario in NEEDED_BY:
        need(NEEDED_BY[scenario])
