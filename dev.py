"""Set up and run readfence from a checkout; needs Python 3.11 or newer and nothing else.

    python3 dev.py demo     set up, then run the main job: the scenario verify_storm
    python3 dev.py check    set up, then all checks and tests, as CI runs them
    python3 dev.py bench    set up, then the benchmark against its floor
    python3 dev.py served   set up, then readfence beside fakeredis and a real redis-server
    python3 dev.py fuzz     set up, then compare commands with a real redis-server; how many
                            sequences per form of comparison may follow
    python3 dev.py leaseguard   set up, then LeaseGuard's workload beside its published figures
    python3 dev.py etcd [FILE]  set up, then a real etcd's latencies beside their prediction
    python3 dev.py docs     set up, then write the generated pages of docs/ anew

Sets up a virtual environment in .venv with the versions of constraints.txt.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BIN = "Scripts" if os.name == "nt" else "bin"
ENVIRONMENT = ROOT / ".venv"


def call(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command; end with its exit status if that is not 0."""
    status = subprocess.run([str(part) for part in command], cwd=cwd, check=False).returncode
    if status:
        sys.exit(status)


def step(title: str) -> None:
    """Say what comes next."""
    print(f"\n== {title} ({time.strftime('%H:%M:%S')})", flush=True)


def tool(name: str, environment: Path = ENVIRONMENT) -> Path:
    """A program of an environment."""
    return environment / BIN / name


def set_up(extras: str) -> None:
    """Make the environment and install readfence into it."""
    if not tool("python").exists():
        print("setting up .venv ...", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
    install(ENVIRONMENT, "-e", f"{ROOT}{extras}")


def install(environment: Path, *what: str | Path) -> None:
    """Install with the pinned versions."""
    pip = (tool("python", environment), "-m", "pip", "install", "-q", "--disable-pip-version-check")
    call(*pip, "-c", ROOT / "constraints.txt", *what)


def have_redis() -> None:
    """Tests compare replies with a real redis-server; CI installs it, elsewhere they skip."""
    if shutil.which("redis-server"):
        return
    if not os.environ.get("CI"):
        print("no redis-server here: tests that compare with it will be skipped", flush=True)
        return
    step("redis-server")
    become_root = [] if os.geteuid() == 0 else ["sudo"]
    call(*become_root, "apt-get", "-qq", "update")
    call(*become_root, "apt-get", "-qq", "install", "-y", "redis-server")


def demo() -> None:
    """Run the main job."""
    set_up("")
    call(tool("readfence"), "run", "verify_storm")


def check() -> None:
    """All checks and tests."""
    step("set up")
    set_up("[dev,clients]")
    have_redis()
    step("ruff, mypy, import-linter")
    call(tool("ruff"), "check", ".")
    call(tool("ruff"), "format", "--check", "-q", ".")
    call(tool("mypy"))
    call(tool("lint-imports"))
    step("tests that measure time, on a machine that is at rest")
    call(tool("pytest"), "-m", "alone")
    step("all other tests, in two processes")  # by file: what tests of a file share is made once
    call(tool("pytest"), "-m", "not alone", "-n", "2", "--dist", "loadfile", "--durations=10")
    step("the main job from the built wheel, in an environment of its own")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        call(tool("python"), "-m", "build", "-q", "--wheel", "-o", folder, ROOT)
        (wheel,) = folder.glob("*.whl")
        venv.create(folder / "env", with_pip=True)
        install(folder / "env", wheel)
        call(tool("readfence", folder / "env"), "run", "verify_storm", cwd=folder)
        call(tool("readfence", folder / "env"), "check", "verify_storm", "--quiet", cwd=folder)
    print("\nall checks passed", flush=True)


def bench() -> None:
    """The benchmark."""
    set_up("[dev]")
    call(tool("python"), "-m", "bench.bench", *sys.argv[2:])


def served() -> None:
    """How fast readfence runs scripts beside others."""
    set_up("[dev]")
    call(tool("python"), "-m", "bench.served", *sys.argv[2:])


def fuzz() -> None:
    """Compare random commands with a real server."""
    set_up("[dev]")
    have_redis()
    sequences = sys.argv[2] if len(sys.argv) > 2 else "5000"
    test = ROOT / "tests" / "models" / "redis" / "test_differential.py"
    call(tool("pytest"), "-s", test, "-k", "test_sequences", "--sequences", sequences)


def leaseguard() -> None:
    """Another simulator's workload beside its figures."""
    set_up("[dev]")
    call(tool("python"), "-m", "bench.leaseguard")


def etcd() -> None:
    """Measured latencies of a real etcd beside what the model predicts."""
    set_up("[dev]")
    call(tool("python"), "-m", "bench.etcd", *(Path(name).resolve() for name in sys.argv[2:]))


def docs() -> None:
    """Write the generated pages anew."""
    set_up("[dev]")
    call(tool("python"), "-m", "docs.generate")


def main() -> None:
    """Run the command named on the command line."""
    if sys.version_info < (3, 11):
        sys.exit(f"readfence needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    commands = {
        "demo": demo,
        "check": check,
        "bench": bench,
        "served": served,
        "fuzz": fuzz,
        "leaseguard": leaseguard,
        "etcd": etcd,
        "docs": docs,
    }
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]]()


if __name__ == "__main__":
    main()
