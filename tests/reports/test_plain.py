"""Every figure of a run as plain data."""

import json

from reports.figures import CATALOGUE
from reports.plain import summary
from tests.reports.records import make_record, make_variant


def test_title_and_overrides_stand_at_the_head() -> None:
    """They tell one run from another."""
    scenario = {"title": "the incident"}
    record = make_record().model_copy(update={"overrides": ["a.b=1", "c=2"], "scenario": scenario})
    told = summary(record)
    assert (told["title"], told["overrides"]) == ("the incident", ["a.b=1", "c=2"])


def test_the_summary_has_every_figure_with_its_unit() -> None:
    """Numbers, words, and spreads with least, mean and greatest."""
    told = summary(make_record(), wall_s={"one_fence": 1.5})
    assert json.loads(json.dumps(told)) == told
    assert set(told["units"]) == {figure.name for figure in CATALOGUE}
    assert told["units"]["latency.p99"] == "ns"
    one_fence = told["variants"]["one_fence"]
    assert set(one_fence["figures"]) == set(told["units"])
    assert one_fence["figures"]["verifications.per_script"] == {"min": 1, "mean": 1, "max": 1}
    assert isinstance(one_fence["figures"]["latency.p99"], int)
    assert one_fence["figures"]["safety"] == "ok"
    assert (one_fence["wall_s"], told["variants"]["none"]["wall_s"]) == (1.5, None)


def test_the_summary_of_a_run_of_nothing_has_nulls() -> None:
    """Not zeros, which would be values."""
    told = summary(make_record(make_variant("one_fence", scripts=0)))
    figures = told["variants"]["one_fence"]["figures"]
    assert figures["latency.p99"] is None
    assert figures["verifications.per_script"] is None
    assert figures["errors"] == 0
