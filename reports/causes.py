"""Causes: what made a figure what it is, in the words of the run.

For a count of verifications the call sites, for errors their texts, for a verdict its examples. It
explains; whether the figure was expected is decided elsewhere.
"""

from collections.abc import Sequence

from reports.attempts import (
    COMMIT_GUARD,
    STORE_READS,
    VERIFICATIONS,
    VERIFYING,
    Site,
)
from reports.figures import Figures
from reports.sample import NoData

_EXAMPLES_MAX = 3


def causes_of(figures: Figures, name: str) -> list[str]:
    """What made the figure `name` what it is, one text per cause; empty where that says nothing.

    A count of verifications reads "162 = store reads 161 (F: point reads 112, range scans 49) +
    script start 1 (L)". Where attempts differ, those with the most and with the fewest are told.
    """
    subject, _, rest = name.partition(".")
    match subject:
        case "verifications":
            return _call_sites(figures, VERIFICATIONS, VERIFYING)
        case "commit_guards":
            return _call_sites(figures, (COMMIT_GUARD.field,), (COMMIT_GUARD,))
        case "rounds" if rest.startswith(("per_script", "total")):
            return _call_sites(figures, ("rounds",), (*VERIFYING, COMMIT_GUARD))
        case "errors":
            return [f"{count:,} × {text}" for text, count in figures.sample.errors().items()]
        case "safety" | "ledger":
            return _examples(figures, subject)
    return []


def ledger_problem(figures: Figures, name: str) -> str:
    """Why a count must not be trusted, since the ledger does not balance; empty when it may be."""
    if name.partition(".")[0] not in ("verifications", "commit_guards", "rounds"):
        return ""
    verdict = figures.sample.variant.verdicts.get("ledger")
    if verdict is None or verdict.verdict != "violated":
        return ""
    example = f", such as {verdict.examples[0]}" if verdict.examples else ""
    return (
        f"the ledger of {figures.sample.variant.name} does not balance ({verdict.violations:,} "
        f"differences between counted, confirmed and sent{example}), so its counts prove nothing"
    )


def _call_sites(figures: Figures, fields: Sequence[str], sites: Sequence[Site]) -> list[str]:
    attempts = figures.sample.attempts
    extremes = attempts.extremes(fields)
    texts = []
    for counts, occurred in extremes:
        text = _sum_of_sites(counts, sites)
        if fields == ("rounds",):
            text = _rounds(counts, sites, text)
        if len(extremes) > 1:
            text += f" [{occurred:,} of {attempts.total:,} attempts]"
        texts.append(text)
    return texts


def _sum_of_sites(counts: dict[str, int], sites: Sequence[Site]) -> str:
    total = sum(counts[site.field] for site in sites)
    if not total:
        if sites == (COMMIT_GUARD,):
            return "0: no commit was guarded"
        return "0: no verification at all: no call site asked a quorum"
    terms = []
    store = [site for site in STORE_READS if site in sites and counts[site.field]]
    for site in sites:
        count = counts[site.field]
        if site in STORE_READS:
            if store and site is store[0]:
                each = ", ".join(f"{part.name} {counts[part.field]:,}" for part in store)
                fences = sum(counts[part.field] for part in store)
                terms.append(f"store reads {fences:,} ({site.letter}: {each})")
        elif count:
            terms.append(f"{site.name} {count:,} ({site.letter})")
    return f"{total:,} = {' + '.join(terms)}"


def _rounds(counts: dict[str, int], sites: Sequence[Site], text: str) -> str:
    asked, sent = sum(counts[site.field] for site in sites), counts["rounds"]
    if asked > sent:
        return f"{sent:,} on the wire: {text}, of which {asked - sent:,} shared a round"
    if sent > asked:
        return f"{sent:,} on the wire: {text}, and {sent - asked:,} that no call site asked for"
    return text


def _examples(figures: Figures, judge: str) -> list[str]:
    try:
        verdict = figures.sample.verdict(judge)
    except NoData:
        return []
    more = verdict.violations - len(verdict.examples[:_EXAMPLES_MAX])
    shown = verdict.examples[:_EXAMPLES_MAX]
    return [*shown, f"and {more:,} more"] if shown and more > 0 else shown
