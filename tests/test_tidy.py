"""Rules of style that no linter knows, each with its cure; and a planted text that breaks each.

In the manner of TigerBeetle's tidy. A rule looks at one file and tells what is wrong with it; a
file that must break a rule is named in `ALLOWED` with the reason.
"""

import ast
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
ROOMS: Final = ("sim", "models", "reports", "readfence")
FUNCTION_LINES_MAX: Final = 70
MODULE_LINES_MAX: Final = 400
COLUMNS_MAX: Final = 100

ALLOWED: Final[dict[tuple[str, str], str]] = {
    ("clock", "readfence/runs.py"): "limits.wall_time is about the machine's clock",
    ("clock", "readfence/machine.py"): "real clients are served in real time",
    ("clock", "readfence/watchdog.py"): "the same limit, kept by another thread",
    ("clock", "readfence/console.py"): "progress tells how long the machine will take",
    ("length", "sim/dist.py"): "one law beside the other, each short",
}
"""(rule, file): why this file may break this rule."""


@dataclass(frozen=True)
class Module:
    """A file of Python."""

    path: str
    """From the root of the repository."""
    text: str

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return _parsed(self.text)


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


Problem = tuple[int, str]
"""Line, and what is wrong with the cure."""


# -- rules --------------------------------------------------------------------------------------

BANNED_CALLS: Final = {
    "clock": {
        "time.time": "use kernel.now",
        "time.time_ns": "use kernel.now",
        "time.monotonic": "use kernel.now",
        "time.perf_counter": "use kernel.now",
        "time.sleep": "yield nanoseconds in a task",
        "datetime.now": "use kernel.now",
        "datetime.utcnow": "use kernel.now",
        "datetime.today": "use kernel.now",
    },
    "chance": {
        "random": "draw from a named stream (sim.rng.Streams)",
        "secrets": "draw from a named stream (sim.rng.Streams)",
        "uuid": "number things, or draw from a named stream",
        "np.random.default_rng": "draw from a named stream (sim.rng.Streams)",
        "np.random.seed": "draw from a named stream (sim.rng.Streams)",
        "os.urandom": "draw from a named stream (sim.rng.Streams)",
    },
    "identity": {
        "id": "give it a name or a number; addresses differ from run to run",
        "hash": "use hashlib; hash() of text differs from process to process",
    },
    "output": {
        "print": "return it, or use readfence.console.out",
        "breakpoint": "remove it",
    },
}


def calls(group: str) -> Callable[[Module], Iterator[Problem]]:
    """A rule that bans names, with what is to be used instead."""
    banned = BANNED_CALLS[group]

    def rule(module: Module) -> Iterator[Problem]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                for prefix, cure in banned.items():
                    if name == prefix or name.startswith(f"{prefix}."):
                        yield node.lineno, f"{name}() is banned: {cure}"

    return rule


def sets(module: Module) -> Iterator[Problem]:
    """The order of a set of strings is another one in every process."""
    for node in ast.walk(module.tree):
        iterated: list[ast.expr] = []
        if isinstance(node, ast.For):
            iterated = [node.iter]
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
            iterated = [part.iter for part in node.generators]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "list",
            "tuple",
            "enumerate",
        ):
            iterated = node.args[:1]
        elif isinstance(node, ast.Starred):
            iterated = [node.value]
        for each in iterated:
            call = isinstance(each, ast.Call) and ast.unparse(each.func) in ("set", "frozenset")
            if call or isinstance(each, ast.Set | ast.SetComp):
                yield each.lineno, "iterating over a set is banned: use dict.fromkeys or sorted"


def leftovers(module: Module) -> Iterator[Problem]:
    """Notes to oneself."""
    for number, line in enumerate(module.text.splitlines(), start=1):
        if found := re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            yield number, f"{found[0]} is banned: do it, or write an issue"


def columns(module: Module) -> Iterator[Problem]:
    """Lines that do not fit on a screen."""
    for number, line in enumerate(module.text.splitlines(), start=1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns: break the line at {COLUMNS_MAX}"


def length(module: Module) -> Iterator[Problem]:
    """Modules and functions that nobody reads in one go."""
    count = len(module.text.splitlines())
    if count > MODULE_LINES_MAX:
        cure = f"split the module at {MODULE_LINES_MAX}, or say in ALLOWED why not"
        yield 1, f"{count} lines: {cure}"


def functions(module: Module) -> Iterator[Problem]:
    """As `length`, for functions."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                yield (
                    node.lineno,
                    f"{node.name} has {count} lines: split it at {FUNCTION_LINES_MAX}",
                )


def module_docstring(module: Module) -> Iterator[Problem]:
    """What a module is, it says first."""
    if not (ast.get_docstring(module.tree) or "").strip():
        yield 1, "no docstring: open the module with what it is"


def own_package(module: Module) -> Iterator[Problem]:
    """An import of the own package's `__init__` is how cycles begin."""
    package = ".".join(Path(module.path).parent.parts)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "a relative import: name the module in full"
            elif node.module == package:
                for name in node.names:
                    if not (ROOT / Path(module.path).parent / f"{name.name}.py").is_file():
                        yield (
                            node.lineno,
                            f"imports {package} itself: import the module that has it",
                        )
        elif isinstance(node, ast.Import) and package in {name.name for name in node.names}:
            yield node.lineno, f"imports {package} itself: import the module that has it"


def package_docstring_only(module: Module) -> Iterator[Problem]:
    """What stands in an `__init__` is run by whoever imports anything of the package."""
    if Path(module.path).name == "__init__.py" and len(module.tree.body) > 1:
        yield 1, "code in an __init__: leave its docstring alone there"


def docstrings_of_tests(module: Module) -> Iterator[Problem]:
    """What a test holds, it says in a sentence."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            text = (ast.get_docstring(node) or "").strip()
            if not text:
                yield node.lineno, f"{node.name} has no docstring: say what it holds, as a sentence"
            elif not text[0].isupper() and not text[0].isdigit() and text[0] not in "`-\"'/":
                yield node.lineno, f"the docstring of {node.name} is no sentence: begin it as one"


def asserts_of_tests(module: Module) -> Iterator[Problem]:
    """A test that asserts nothing holds nothing."""
    helpers = {"raises", "fail", "warns"}
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        asserted = any(isinstance(part, ast.Assert) for part in ast.walk(node))
        called = [
            (part.func.attr if isinstance(part.func, ast.Attribute) else ast.unparse(part.func))
            for part in ast.walk(node)
            if isinstance(part, ast.Call)
        ]
        words = ("check", "assert", "expect", "must", "same", "compare", "verify")
        helped = any(name in helpers or name.lstrip("_").startswith(words) for name in called)
        if not asserted and not helped:
            yield node.lineno, f"{node.name} asserts nothing: assert, or call a `check_...` helper"


Rule = Callable[[Module], Iterable[Problem]]

PRODUCT_RULES: Final[dict[str, Rule]] = {
    **{group: calls(group) for group in BANNED_CALLS},
    "sets": sets,
    "leftovers": leftovers,
    "columns": columns,
    "length": length,
    "functions": functions,
    "docstring": module_docstring,
    "own package": own_package,
    "init": package_docstring_only,
}
TEST_RULES: Final[dict[str, Rule]] = {
    "leftovers": leftovers,
    "columns": columns,
    "functions": functions,
    "docstring": module_docstring,
    "test docstrings": docstrings_of_tests,
    "test asserts": asserts_of_tests,
}


# -- held ---------------------------------------------------------------------------------------


def files(*folders: str) -> list[Path]:
    """Every file of Python in these folders."""
    found = chain.from_iterable((ROOT / folder).rglob("*.py") for folder in folders)
    return sorted(path for path in found if "__pycache__" not in path.parts)


def found(rule: str, check: Rule, *folders: str) -> list[str]:
    """What a rule finds, in files that are not allowed to break it."""
    problems = []
    for path in files(*folders):
        module = Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        if (rule, module.path) not in ALLOWED and module.path != "tests/test_tidy.py":
            problems += [f"{module.path}:{line}: {text}" for line, text in check(module)]
    return problems


@pytest.mark.parametrize("rule", PRODUCT_RULES)
def test_the_product_keeps_the_rule(rule: str) -> None:
    """The message names file, line and cure."""
    problems = found(rule, PRODUCT_RULES[rule], *ROOMS)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("rule", TEST_RULES)
def test_the_tests_keep_the_rule(rule: str) -> None:
    """Tests are read more often than what they test."""
    problems = found(rule, TEST_RULES[rule], "tests")
    assert not problems, "\n".join(problems)


def test_what_is_allowed_is_needed() -> None:
    """An exception outlives its reason unless somebody looks."""
    for (rule, path), reason in ALLOWED.items():
        module = Module(path, (ROOT / path).read_text(encoding="utf-8"))
        assert list(PRODUCT_RULES[rule](module)), f"{path} keeps {rule}: remove it from ALLOWED"
        assert len(reason.split()) > 4, f"{path}: say why it may break {rule}"


# -- planted ------------------------------------------------------------------------------------

PLANTED: Final = [
    ("clock", "import time\nnow = time.time()\n", "time.time() is banned: use kernel.now"),
    ("clock", "time.perf_counter_ns()\ntime.perf_counter()\n", "use kernel.now"),
    ("clock", "datetime.datetime.now()\ndatetime.now()\n", "datetime.now() is banned"),
    ("chance", "random.random()\n", "random.random() is banned: draw from a named stream"),
    ("chance", "uuid.uuid4()\n", "uuid.uuid4() is banned: number things"),
    ("chance", "np.random.default_rng(1)\n", "draw from a named stream"),
    ("identity", "id(x)\n", "addresses differ"),
    ("identity", "hash('x')\n", "use hashlib"),
    ("output", "print('x')\n", "print() is banned: return it"),
    ("output", "breakpoint()\n", "remove it"),
    ("sets", "for x in {1, 2}:\n    pass\n", "iterating over a set is banned"),
    ("sets", "y = [x for x in set(z)]\n", "use dict.fromkeys or sorted"),
    ("sets", "y = list({x for x in z})\n", "iterating over a set is banned"),
    ("sets", "f(*set(z))\n", "iterating over a set is banned"),
    ("leftovers", "x = 1  # TODO: later\n", "TODO is banned: do it"),
    ("leftovers", "# FIXME\n", "FIXME is banned"),
    ("columns", "x = " + "1" * 97 + "\n", "101 columns: break the line at 100"),
    ("length", "x = 1\n" * 401, "401 lines: split the module at 400"),
    ("functions", "def f():\n" + "    x = 1\n" * 70, "f has 71 lines: split it at 70"),
    ("docstring", "x = 1\n", "open the module with what it is"),
    ("docstring", '"""  """\n', "open the module with what it is"),
    ("own package", "from models.raft import Raft\n", "imports models.raft itself"),
    ("own package", "import models.raft\n", "imports models.raft itself"),
    ("own package", "from . import core\n", "name the module in full"),
    ("init", '"""It."""\nx = 1\n', "leave its docstring alone"),
    ("test docstrings", "def test_x():\n    assert y\n", "say what it holds"),
    ("test docstrings", 'def test_x():\n    """hm."""\n', "is no sentence"),
    ("test asserts", 'def test_x():\n    """It."""\n    f()\n', "asserts nothing"),
]


@pytest.mark.parametrize(("rule", "text", "message"), PLANTED, ids=lambda part: part[:30])
def test_every_rule_can_be_broken(rule: str, text: str, message: str) -> None:
    """A rule that nothing breaks would be kept by anything."""
    path = "models/raft/__init__.py" if rule == "init" else "models/raft/planted.py"
    check = {**PRODUCT_RULES, **TEST_RULES}[rule]
    problems = [problem for _, problem in check(Module(path, text))]
    assert any(message in problem for problem in problems), problems


def test_every_rule_has_a_planted_text() -> None:
    """Whoever adds a rule shows that it finds something."""
    assert {rule for rule, _, _ in PLANTED} == PRODUCT_RULES.keys() | TEST_RULES.keys()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("sets", "for x in sorted({1, 2}):\n    pass\n"),
        ("sets", "y = {x for x in set(z)}\nif x in {1, 2}:\n    pass\n"),
        ("clock", "kernel.time.now\nx.time(1)\n"),
        ("identity", "ticket.id(x)\nself.hash(x)\n"),
        ("own package", "from models.raft.core import Raft\n"),
        ("own package", "from models.raft import core\n"),
        ("columns", "x = " + "1" * 96 + "\n"),
        ("length", "x = 1\n" * 400),
        ("functions", "def f():\n" + "    x = 1\n" * 69),
        ("test asserts", 'def test_x():\n    """It."""\n    with pytest.raises(E):\n        f()\n'),
    ],
)
def test_rules_leave_alone_what_keeps_them(rule: str, text: str) -> None:
    """Each bound is exact, and what only looks like the banned thing is fine."""
    check = {**PRODUCT_RULES, **TEST_RULES}[rule]
    assert list(check(Module("models/raft/planted.py", text))) == []


# -- the project --------------------------------------------------------------------------------


def imported(folders: Iterable[str]) -> dict[str, str]:
    """The packages that modules import, and a file in which each is."""
    packages: dict[str, str] = {}
    for path in files(*folders):
        for node in ast.walk(_parsed(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                packages.setdefault(name.partition(".")[0], str(path.relative_to(ROOT)))
    return packages


def test_what_is_imported_is_declared() -> None:
    """A package that is there by chance is missing where only readfence is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dask"]]
    declared = {re.split(r"[<>=~! ]", line)[0] for line in lines}
    modules = {{"ruamel.yaml": "ruamel"}.get(name, name).replace("-", "_") for name in declared}
    here = imported(ROOMS)
    missing = {
        name: path
        for name, path in here.items()
        if name not in {*ROOMS, *modules, "pydantic_core"} and not _in_standard_library(name)
    }
    assert not missing, f"imported, but not in dependencies of pyproject.toml: {missing}"
    assert modules <= here.keys(), f"declared, but not imported: {modules - here.keys()}"


def _in_standard_library(name: str) -> bool:
    import sys  # noqa: PLC0415

    return name in sys.stdlib_module_names


def test_files_that_documents_name_exist() -> None:
    """A page that sends its reader nowhere has not been read since something was renamed."""
    gone = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
        for name in re.findall(
            r"(?<![\w/])(?:sim|models|reports|readfence|tests|bench|docs)/[\w/.]+\.(?:py|md|csv|png)",
            page.read_text(encoding="utf-8"),
        )
        if not (ROOT / name).exists()
    ]
    assert not gone, "\n".join(gone)


def test_every_product_module_has_tests() -> None:
    """At its own path under tests/, or under the name of the module or its package."""
    tests = {path.stem.removeprefix("test_") for path in files("tests")}
    folders = {path.parent.name for path in files("tests")}
    without = [
        path.relative_to(ROOT).as_posix()
        for path in files(*ROOMS)
        if path.stem not in tests
        and path.stem not in ("__init__", "__main__")
        and path.parent.name not in folders - set(ROOMS)
        and path.relative_to(ROOT).as_posix() not in TESTED_ELSEWHERE
    ]
    assert not without, f"no test file for: {without}"


TESTED_ELSEWHERE: Final = {
    "models/attempt.py": "tests/models/test_service.py",
    "models/carrying.py": "tests/models/test_service.py",
    "models/data.py": "tests/models/test_cluster.py",
    "models/load_spec.py": "tests/models/test_spec.py",
    "sim/usage.py": "tests/sim/test_resources.py",
    "models/notes.py": "tests/readfence/serving/test_serve.py",
    "models/outcome.py": "tests/models/test_world.py",
    "models/request.py": "tests/models/test_service.py",
    "models/served.py": "tests/models/server/test_sessions.py",
    "readfence/machine.py": "tests/readfence/serving/test_serve.py",
    "models/node.py": "tests/models/test_cluster.py",
    "sim/errors.py": "tests/readfence/test_cli.py",
    "sim/trace.py": "tests/test_determinism.py",
    "reports/statistics.py": "tests/sim/test_queueing.py",
    "reports/theory.py": "tests/sim/test_queueing.py",
    "readfence/executor.py": "tests/readfence/test_executors.py",
    "readfence/console.py": "tests/readfence/test_cli.py",
    "readfence/exits.py": "tests/readfence/test_cli.py",
    "readfence/kept.py": "tests/readfence/test_sweep_command.py",
    "readfence/options.py": "tests/readfence/test_cli.py",
    "readfence/references.py": "tests/readfence/test_bad_input.py",
}
"""Modules whose tests have another name."""
