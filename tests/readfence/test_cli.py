"""The command line: commands and options, what goes to which stream, files, exit statuses."""

import json
import os
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from readfence import cli
from readfence.exits import Exit
from readfence.places import Document
from readfence.scenarios import shipped, shipped_folder
from sim.record import read_run
from tests.readfence.front_door import KEPT, LUA, call, call_process, command, small, words
from tests.readfence.json_schema import Refused, check_value

COMMANDS = ("run", "check", "validate", "schema", "list")
BROKEN = "one_fence.verifications.per_script == 2"
PROGRESS = "running one_fence ...\nrunning none ...\n"


@pytest.fixture
def scenario() -> Path:
    """The small scenario as `small.yaml` in the current directory."""
    path = Path("small.yaml")
    path.write_text(small())
    return path


@pytest.fixture
def broken(scenario: Path) -> Path:
    """The same with an expectation that is broken, on its last line, the 18th."""
    scenario.write_text(small((KEPT, BROKEN)))
    return scenario


# -- help and usage -----------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_it_tells_what_there_is(arguments: list[str]) -> None:
    """Calling it alone is no error: it names every command and every exit status."""
    ended = call(*arguments)
    assert (ended.status, ended.stderr) == (0, "")
    for name in COMMANDS:
        assert f" {name} " in words(ended.stdout)
    for status in Exit:
        assert f" {status.value} " in words(ended.stdout)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_shows_an_example_of_itself(name: str, option: str) -> None:
    """Help ends in something to copy, and loses no part of its text to markup."""
    ended = call(name, option)
    assert (ended.status, ended.stderr) == (0, "")
    assert f" readfence {name}" in words(ended.stdout).partition("Example")[2]


def test_help_says_where_results_go() -> None:
    """Angle brackets once vanished from this line, since help is Markdown."""
    assert "Default: out/SCENARIO." in words(call("run", "--help").stdout)


def test_the_version_is_that_of_the_distribution() -> None:
    """--version prints one line and ends."""
    ended = call("--version")
    assert (ended.status, ended.stdout) == (0, f"readfence {version('readfence')}\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["frob"], "No such command 'frob'"),
        (["--frob"], "No such option: --frob"),
        (["run", "a.yaml", "--frob"], "No such option: --frob"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["run", "a.yaml", "b.yaml"], "unexpected extra argument"),
        (["check", "a.yaml", "--junit"], "Option '--junit' requires an argument"),
        (["run", "a.yaml", "--seed", "-1"], "Invalid value for '--seed'"),
        (["run", "a.yaml", "--seed", "one"], "Invalid value for '--seed'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_wrong_input(arguments: list[str], told: str) -> None:
    """A mistyped option is told as such, with status 2: it is neither a bug nor a broken gate."""
    ended = call(*arguments)
    assert (ended.status, ended.stdout) == (Exit.INPUT, "")
    assert told in words(ended.stderr)


# -- run ----------------------------------------------------------------------------------------


def test_run_prints_a_table_and_says_where_things_are(scenario: Path) -> None:
    """Results on stdout, progress on stderr; record, meta and pictures lie where it says."""
    ended = call("run", scenario)
    assert (ended.status, ended.stderr) == (Exit.OK, PROGRESS)
    assert ended.stdout.startswith("small (seed 1)\na small scenario\n")
    for heading in ("one_fence", "none", "verifications per script", "latency p99.9", "wall time"):
        assert heading in ended.stdout
    told = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines() if "out/small" in line)
    assert told["record"] == "out/small/run.json"
    pictures = [line.split()[1] for line in ended.stdout.splitlines() if line[:7] == "picture"]
    assert len(pictures) >= 4 and all(Path(picture).stat().st_size > 5_000 for picture in pictures)
    record = read_run(Path("out/small/run.json"))
    assert [variant.name for variant in record.variants] == ["one_fence", "none"]
    meta = json.loads(Path("out/small/run.meta.json").read_text())
    assert meta["digest"] == record.digest


def test_run_as_json_prints_nothing_else(scenario: Path) -> None:
    """Stdout is one JSON document, stderr is empty: it can be piped."""
    ended = call("run", scenario, "--json", "--no-plots")
    assert (ended.status, ended.stderr) == (Exit.OK, "")
    told = json.loads(ended.stdout)
    assert told["format"] == "readfence/summary"
    assert told["digest"] == read_run(Path("out/small/run.json")).digest
    assert set(told["variants"]) == {"one_fence", "none"}


def test_run_quiet_prints_nothing(scenario: Path) -> None:
    """The files are there all the same."""
    ended = call("run", scenario, "--quiet", "--no-plots")
    assert (ended.status, ended.stdout, ended.stderr) == (Exit.OK, "", "")
    assert sorted(path.name for path in Path("out/small").iterdir()) == [
        "run.json",
        "run.meta.json",
    ]


def test_out_is_made_and_filled(scenario: Path) -> None:
    """--out may name folders that are not there yet."""
    folder = Path("deep/er")
    ended = call("run", scenario, "--no-plots", "--out", folder)
    assert ended.status == Exit.OK
    assert "record    deep/er/run.json" in ended.stdout
    assert (folder / "run.json").is_file() and not Path("out").exists()


def test_set_overrides_what_the_file_says(scenario: Path) -> None:
    """Settings below lists of one need no position; of two for one key the last one holds."""
    options = ["cluster.nodes=5", "network.one_way=2ms", "network.one_way=3ms",
               "workload.clients=1", "workload.scripts.name=other", "variants.none.fence=log_read",
               "stop={scripts: 7}"]  # fmt: skip
    arguments = [word for option in options for word in ("--set", option)]
    assert call("run", scenario, "--quiet", "--no-plots", *arguments).status == Exit.OK
    record = read_run(Path("out/small/run.json"))
    assert record.scenario["cluster"]["nodes"] == 5
    assert record.scenario["network"]["one_way"] == "3ms"
    assert record.scenario["workload"][0]["clients"] == 1
    assert record.variant("none").settings == {"fence": "log_read"}
    assert record.variant("none").labels["script"] == ["other"]
    assert len(record.variant("none").columns["latency_ns"]) == 7


def test_overrides_are_named_wherever_a_run_is_told(scenario: Path) -> None:
    """Table, JSON, record, meta and check: it is another run than that of the file alone."""
    options = ["--set", "stop.scripts=7"]
    told = "small (seed 1; set stop.scripts=7)"
    ended = call("run", scenario, "--no-plots", *options)
    assert ended.stdout.startswith(f"{told}\na small scenario\n")
    assert read_run(Path("out/small/run.json")).overrides == ["stop.scripts=7"]
    assert json.loads(Path("out/small/run.meta.json").read_text())["run"] == told
    ended = call("run", scenario, "--no-plots", "--json", *options)
    assert json.loads(ended.stdout)["overrides"] == ["stop.scripts=7"]
    ended = call("check", scenario, "--markdown", "m", *options)
    assert f"\n{told}: the expectation is kept\n" in ended.stdout
    assert "Seed 1, set stop.scripts=7, digest" in Path("m").read_text()
    ended = call("check", scenario, "--json", *options)
    assert json.loads(ended.stdout)["overrides"] == ["stop.scripts=7"]


def test_a_run_that_replaces_another_says_so(scenario: Path) -> None:
    """Not where it is the same run again."""
    assert call("run", scenario, "--no-plots").stderr == PROGRESS
    assert call("run", scenario, "--no-plots").stderr == PROGRESS
    ended = call("run", scenario, "--no-plots", "--seed", "7")
    said = "out/small held small (seed 1), which this run replaced; --out keeps both\n"
    assert ended.stderr == PROGRESS + said


def test_a_run_of_nothing_but_errors_is_warned_of(scenario: Path) -> None:
    """Its table alone would look like one of a very fast system."""
    scenario.write_text(small((LUA, "lua: return redis.call('NOPE')")))
    ended = call("run", scenario, "--no-plots")
    assert ended.status == Exit.OK
    warning = "warning: no script of one_fence ended ok; 20 of 20 scripts: ERR Unknown Redis"
    assert warning in ended.stderr


def test_seed_is_that_of_the_option(scenario: Path) -> None:
    """--seed does what `seed:` in the file does, and another seed is another run."""
    digests = []
    for arguments in (["--seed", "7"], ["--set", "seed=7"], []):
        assert call("run", scenario, "--quiet", "--no-plots", *arguments).status == Exit.OK
        record = read_run(Path("out/small/run.json"))
        digests.append((record.seed, record.digest))
    assert digests[0] == digests[1]
    assert digests[0][0] == 7 and digests[2][0] == 1
    assert digests[0][1] != digests[2][1]


def test_a_trace_is_lines_of_json_and_changes_nothing(scenario: Path) -> None:
    """Every line tells run, instant, place and event; the record has the same bytes without it."""
    call("run", scenario, "--quiet", "--no-plots", "--out", "with", "--trace", "trace.jsonl")
    call("run", scenario, "--quiet", "--no-plots", "--out", "without")
    lines = [json.loads(line) for line in Path("trace.jsonl").read_text().splitlines()]
    assert {line["run"] for line in lines} == {"one_fence", "none"}
    assert all({"t_ns", "where", "what"} <= line.keys() for line in lines)
    assert {"HeartbeatRequest"} <= {line["what"] for line in lines} or len(lines) > 100
    assert Path("with/run.json").read_bytes() == Path("without/run.json").read_bytes()


def test_shipped_scenarios_are_known_by_name() -> None:
    """A name without a file is looked up among the shipped ones, gates that must fail included."""
    assert call("validate", "verify_storm").stdout.startswith(str(shipped_folder()))
    assert call("validate", "must_fail/as_merged").status == Exit.OK
    assert call("run", "mixed_script", "--quiet", "--no-plots").status == Exit.OK
    assert Path("out/mixed_script/run.json").is_file()


# -- check --------------------------------------------------------------------------------------


def test_check_lists_every_expectation_and_ends_in_0(scenario: Path) -> None:
    """Kept lines are listed with their value; no file is left behind."""
    ended = call("check", scenario)
    assert (ended.status, ended.stderr) == (Exit.OK, PROGRESS)
    assert ended.stdout.split("\n")[2].split() == ["kept", *KEPT.split(), "1"]
    assert ended.stdout.endswith("small (seed 1): the expectation is kept\n")
    assert sorted(path.name for path in Path().iterdir()) == ["small.yaml"]


def test_check_ends_in_1_when_a_line_is_broken(broken: Path) -> None:
    """The call sites of the count are named."""
    ended = call("check", broken)
    assert ended.status == Exit.BROKEN
    assert "broken" in ended.stdout and "script start" in ended.stdout


def test_check_ends_in_1_when_a_line_cannot_be_decided(scenario: Path) -> None:
    """No data is no pass: where no script ended well, there is no latency."""
    scenario.write_text(small((LUA, "lua: return redis.call('NOPE')"), (KEPT, "latency.p99 < 1s")))
    ended = call("check", scenario)
    assert ended.status == Exit.BROKEN
    assert "unknown" in ended.stdout and "no script ended ok" in ended.stdout


def test_check_as_json_prints_nothing_else(broken: Path) -> None:
    """The status tells the verdict there as well."""
    ended = call("check", broken, "--json")
    assert (ended.status, ended.stderr) == (Exit.BROKEN, "")
    told = json.loads(ended.stdout)
    assert (told["format"], told["kept"]) == ("readfence/check", False)
    (line,) = told["expectations"]
    assert (line["verdict"], line["file"], line["line"]) == ("broken", "small.yaml", 18)


def test_check_quiet_says_it_by_its_status_alone(broken: Path) -> None:
    """Nothing on either stream."""
    ended = call("check", broken, "--quiet")
    assert (ended.status, ended.stdout, ended.stderr) == (Exit.BROKEN, "", "")


def test_check_writes_junit_and_markdown(broken: Path) -> None:
    """Into folders that need not be there; in JUnit a broken line is a failure at its place."""
    files = ["--junit", "reports/r.xml", "--markdown", "reports/more/r.md"]
    assert call("check", broken, "--quiet", *files).status == Exit.BROKEN
    suites = ElementTree.parse("reports/r.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("1", "1")
    case = suites.find("testsuite/testcase")
    assert case is not None and case.find("failure") is not None
    assert (case.get("name"), case.get("file"), case.get("line")) == (BROKEN, "small.yaml", "18")
    markdown = Path("reports/more/r.md").read_text()
    assert markdown.startswith("### readfence check: small: the expectation is broken\n")


def test_check_keeps_the_record_where_it_is_told(scenario: Path) -> None:
    """--out keeps the run for an artifact; it is the record that `run` writes."""
    assert call("check", scenario, "--quiet", "--out", "kept").status == Exit.OK
    call("run", scenario, "--quiet", "--no-plots", "--out", "ran")
    assert Path("kept/run.json").read_bytes() == Path("ran/run.json").read_bytes()


def test_an_expectation_from_an_option_has_no_line(scenario: Path) -> None:
    """No annotation points at a line of the file that says something else."""
    ended = call("check", scenario, "--json", "--set", "expect=[errors == 0, errors < 0.5]")
    assert [line["line"] for line in json.loads(ended.stdout)["expectations"]] == [None] * 4


# -- GitHub Actions -----------------------------------------------------------------------------


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: Path) -> Path:
    """As under GitHub Actions; the file that takes the job summary."""
    summary = tmp_path / "summary.md"
    summary.write_text("what came before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    return summary


def annotations(text: str) -> list[str]:
    """The workflow commands in an output."""
    return [line for line in text.splitlines() if line.startswith("::")]


@pytest.mark.parametrize("form", ["relative", "absolute"])
def test_broken_lines_become_annotations(actions: Path, broken: Path, form: str) -> None:
    """At file and line of the expectation, the file named from the root of the repository."""
    ended = call("check", broken if form == "relative" else broken.resolve())
    assert ended.status == Exit.BROKEN
    (annotation,) = annotations(ended.stdout)
    place, _, text = annotation.removeprefix("::").partition("::")
    assert place == "error file=small.yaml,line=18,title=expectation broken"
    assert text.startswith(f"{BROKEN}: 1 = script start 1")


def test_annotations_name_files_from_the_root_wherever_it_is_run(
    actions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run in a folder of the repository, the annotation still finds its file."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "small.yaml").rename(tmp_path / "sub" / "small.yaml")
    monkeypatch.chdir(tmp_path / "sub")
    (annotation,) = annotations(call("check", "small.yaml").stdout)
    assert annotation.startswith("::error file=sub/small.yaml,line=18,")


def test_the_job_summary_gets_the_table(actions: Path, broken: Path) -> None:
    """Behind what other steps have written."""
    call("check", broken, "--quiet")
    text = actions.read_text()
    assert text.startswith("what came before\n### readfence check: small: ")
    assert f"`{BROKEN}`" in text


def test_annotations_leave_json_alone(actions: Path, broken: Path) -> None:
    """With --json they go to stderr, so that stdout stays one JSON document."""
    ended = call("check", broken, "--json")
    assert json.loads(ended.stdout)["kept"] is False
    assert len(annotations(ended.stderr)) == 1


def test_kept_lines_are_not_annotated(actions: Path, scenario: Path) -> None:
    """Nothing to see in the diff when all is well; the summary tells it."""
    scenario.write_text(small())
    ended = call("check", scenario)
    assert ended.status == Exit.OK
    assert annotations(ended.stdout + ended.stderr) == []
    assert "✅ kept" in actions.read_text()


def test_elsewhere_there_are_no_annotations(
    actions: Path, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A summary file alone does not make it GitHub."""
    monkeypatch.delenv("GITHUB_ACTIONS")
    ended = call("check", broken)
    assert annotations(ended.stdout + ended.stderr) == []
    assert actions.read_text() == "what came before\n"


# -- validate, schema, list ---------------------------------------------------------------------


def test_validate_runs_nothing(scenario: Path) -> None:
    """It names variants and counts expectations; nothing is written."""
    ended = call("validate", scenario, "--set", "variants.third={}")
    told = "small.yaml: valid; variants: one_fence, none, third; expectations: 1\n"
    assert (ended.status, ended.stdout, ended.stderr) == (Exit.OK, told, "")
    assert sorted(path.name for path in Path().iterdir()) == ["small.yaml"]


def test_paths_are_printed_as_they_are(scenario: Path) -> None:
    """Rich would make styles of brackets and an emoji of a colon's line number."""
    odd = Path("[bold]:100:.yaml")
    odd.write_text(small())
    assert call("validate", odd).stdout.startswith("[bold]:100:.yaml: valid; ")
    odd.write_text("\n" * 99 + "[")
    assert call("validate", odd).stderr.startswith("readfence: [bold]:100:.yaml:100: no valid ")


def schema() -> dict[str, Any]:
    """What `readfence schema` prints."""
    ended = call("schema")
    assert (ended.status, ended.stderr) == (Exit.OK, "")
    printed: dict[str, Any] = json.loads(ended.stdout)
    return printed


def test_the_schema_is_one() -> None:
    """It names its dialect, and every reference in it leads somewhere."""
    printed = schema()
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert printed["required"] == ["workload"]
    references = [part.split('"')[0] for part in json.dumps(printed).split('"#/$defs/')[1:]]
    assert references and set(references) <= set(printed["$defs"])


def scenario_files() -> list[Path]:
    """Every shipped scenario, gates that must fail included."""
    return sorted(shipped_folder().rglob("*.yaml"))


@pytest.mark.parametrize(
    "path", scenario_files(), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_the_schema_accepts_every_shipped_scenario(path: Path) -> None:
    """An editor that completes from it must not underline what readfence runs."""
    check_value(schema(), Document(path, path.read_text()).content)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(stpo={}),
        lambda content: content.pop("workload"),
        lambda content: content.update(fence="nun"),
        lambda content: content.update(seed=-1),
        lambda content: content.update(network={"one_way": "5"}),
        lambda content: content.update(network={"one_way": 5}),
        lambda content: content.update(network={"one_way": {"law": "uniform", "low": "1ms"}}),
        lambda content: content["workload"].update(clients="ten"),
        lambda content: content["workload"]["scripts"][0].update(weight=True),
        lambda content: content["data"]["k"].update(state="string"),
    ],
    ids=["unknown key", "missing key", "fence", "seed", "no unit", "no unit, a number", "law",
         "word for number", "boolean", "state"],
)  # fmt: skip
def test_the_schema_refuses_what_readfence_refuses(change: Callable[[Any], object]) -> None:
    """It is no schema that accepts everything."""
    content = Document(Path("small.yaml"), small()).content
    check_value(schema(), content)
    change(content)
    with pytest.raises(Refused):
        check_value(schema(), content)


def test_list_names_every_shipped_scenario() -> None:
    """With title and variants, and where they lie."""
    ended = call("list")
    assert (ended.status, ended.stderr) == (Exit.OK, "")
    for name in shipped():
        assert f"\n{name} " in ended.stdout
    assert f"They lie in {shipped_folder()}; run one with: readfence run NAME\n" in ended.stdout
    told = json.loads(call("list", "--json").stdout)
    assert [entry["name"] for entry in told] == shipped()
    assert all(entry["title"] and entry["variants"] for entry in told)


def test_list_prints_titles_as_they_are(
    scenario: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Brackets in a title are no styles."""
    scenario.write_text(small(("a small scenario", "'[red]a :smile: scenario'")))
    monkeypatch.setattr("readfence.scenarios.shipped_folder", lambda: tmp_path)
    assert "[red]a :smile: scenario" in call("list").stdout


# -- processes ----------------------------------------------------------------------------------


def test_a_real_process_ends_in_the_status(broken: Path, tmp_path: Path) -> None:
    """What CI sees: 1 for the gate, 2 for the input, each told on the right stream."""
    ended = call_process("check", broken, cwd=tmp_path)
    assert (ended.status, ended.stderr) == (Exit.BROKEN, PROGRESS)
    ended = call_process("check", "nowhere.yaml", cwd=tmp_path)
    assert (ended.status, ended.stdout) == (Exit.INPUT, "")
    assert ended.stderr == (
        "readfence: nowhere.yaml: no such file, and no shipped scenario of that name "
        "(see: readfence list)\n"
    )


def process_without_reader(*arguments: str | Path, cwd: Path, both: bool) -> tuple[int, str]:
    """Run a command whose stdout (or both streams) nobody reads; its status and its stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command(*arguments),
            cwd=cwd,
            stdout=writer,
            stderr=writer if both else subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["check", "--help"], ["--version"], ["schema"], ["list"],
     ["run", "small.yaml", "--no-plots", "--quiet"]],
    ids=str,
)  # fmt: skip
def test_a_reader_who_went_away_is_not_argued_with(
    scenario: Path, tmp_path: Path, arguments: list[str]
) -> None:
    """No word and no traceback; the status is not 0 where something was left unsaid."""
    status, stderr = process_without_reader(*arguments, cwd=tmp_path, both=False)
    assert stderr == ""
    assert status == (Exit.OK if "--quiet" in arguments else Exit.UNREAD)


@pytest.mark.parametrize("both", [False, True], ids=["stdout", "stdout and stderr"])
def test_a_closed_pipe_is_no_verdict(broken: Path, tmp_path: Path, both: bool) -> None:
    """`check | head` must come to neither "kept" nor "broken" when its table was not read."""
    status, stderr = process_without_reader("check", broken, cwd=tmp_path, both=both)
    assert (status, stderr) == (Exit.UNREAD, "" if both else PROGRESS)


def test_a_closed_stdout_is_told_like_a_full_one(scenario: Path, tmp_path: Path) -> None:
    """`>&-`: no traceback, and no file takes its place; what prints nothing is not disturbed."""

    def closed(*arguments: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" >&-', "sh", *command(*arguments)],
            cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stderr

    told = "readfence: the machine failed: Bad file descriptor\n"
    assert closed("list") == closed("--version") == (Exit.ENVIRONMENT, told)
    assert closed("run", scenario, "--quiet", "--no-plots") == (Exit.OK, "")
    assert read_run(Path("out/small/run.json")).name == "small"


def test_an_encoding_that_lacks_a_character_is_no_bug(scenario: Path, tmp_path: Path) -> None:
    """Text shows a question mark in its place, JSON an escape."""
    scenario.write_text(small((KEPT, "latency.p50 < 9000µs"), ("a small scenario", '"π"')))
    ended = call_process("check", scenario, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert ended.status == Exit.OK
    assert "latency.p50 < 9000?s" in ended.stdout
    ended = call_process("check", scenario, "--json", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert json.loads(ended.stdout)["expectations"][0]["expect"] == "latency.p50 < 9000µs"
    ended = call_process("check", "π.yaml", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (ended.status, ended.stderr[:18]) == (Exit.INPUT, "readfence: ?.yaml:")


def test_on_a_terminal_there_is_a_bar(scenario: Path) -> None:
    """It counts scripts while they run; results go to stdout as ever."""
    terminal, stderr = os.openpty()
    try:
        done = subprocess.run(
            command("run", scenario, "--no-plots", "--set", "stop.scripts=3000"),
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=True,
            timeout=60,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )
        shown = os.read(terminal, 100_000).decode()
    finally:
        os.close(stderr)
        os.close(terminal)
    assert done.stdout.startswith(b"small (seed 1; set stop.scripts=3000)\n")
    assert "3,000 scripts" in shown and "running" not in shown


def test_a_bug_is_told_apart(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What readfence did not foresee is a bug: status 3, and here a traceback is what we want."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(cli, "run_all", fail)
    ended = call("check", scenario, bug=True)
    assert ended.status == Exit.BUG
    assert ended.stderr.startswith("readfence: this is a bug in readfence; please report what ")
    assert "Traceback" in ended.stderr and "ZeroDivisionError: planted" in ended.stderr
