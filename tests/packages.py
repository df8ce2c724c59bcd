"""Packages of clients, of PyPI and npm: without them a test is skipped, though not in CI."""

import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

NPM = Path(os.environ.get("READFENCE_NPM", Path(__file__).resolve().parents[1] / ".npm"))
NPM_PACKAGES = (
    "bullmq@6.7.0", "bee-queue@2.0.0", "rate-limiter-flexible@11.4.0", "redlock@5.0.0-beta.2",
    "redis-semaphore@5.8.0", "ioredis@5",
)  # fmt: skip

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


def npm_packages() -> None:
    """Make sure that the npm packages are there; in CI they are installed."""
    if all((NPM / "node_modules" / name.split("@")[0]).is_dir() for name in NPM_PACKAGES):
        return
    npm = shutil.which("npm")
    if npm is None or not os.environ.get("CI"):
        if os.environ.get("CI"):
            pytest.fail("npm is not installed, and CI must not go without it")
        pytest.skip(f"the npm packages are not in {NPM}: npm install --prefix {NPM} ...")
    command = [npm, "install", "--prefix", str(NPM), "--ignore-scripts", "--no-audit"]
    subprocess.run([*command, *NPM_PACKAGES], check=True, capture_output=True, timeout=300)
