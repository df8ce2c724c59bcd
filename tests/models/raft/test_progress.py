"""What a leader knows of one peer: probing, replicating, old news."""

from models.raft.progress import Progress


def replicating(match: int, next_index: int) -> Progress:
    """A peer that has agreed once and was sent entries before `next_index`."""
    progress = Progress(place=1, next_index=match + 1)
    progress.acknowledge(match)
    progress.next_index = next_index
    return progress


def test_the_first_agreement_ends_the_probing() -> None:
    """From then on entries are sent without waiting, from behind what agrees."""
    progress = Progress(place=1, next_index=9)
    progress.paused = True
    assert progress.acknowledge(4) is True
    assert (progress.probing, progress.paused, progress.match, progress.next_index) == (
        False, False, 4, 5,
    )  # fmt: skip


def test_agreeing_about_an_empty_log_ends_the_probing_too() -> None:
    """Nothing is matched yet, but the place before the first entry agrees."""
    progress = Progress(place=1, next_index=1)
    assert progress.acknowledge(0) is True
    assert (progress.probing, progress.match, progress.next_index) == (False, 0, 1)


def test_an_acknowledgement_does_not_take_back_what_was_sent_since() -> None:
    """`next_index` stays ahead of what has been acknowledged so far."""
    progress = replicating(3, 9)
    assert progress.acknowledge(5) is True
    assert (progress.match, progress.next_index) == (5, 9)


def test_old_acknowledgements_are_no_news() -> None:
    """Neither what is known nor less than that changes anything."""
    progress = replicating(3, 9)
    assert progress.acknowledge(3) is False
    assert progress.acknowledge(1) is False
    assert (progress.match, progress.next_index) == (3, 9)


def test_a_rejection_leads_back_to_probing_from_what_is_known() -> None:
    """Entries in flight were lost; all after the last match are sent again."""
    progress = replicating(3, 9)
    assert progress.back_off(rejected=7, hint=5) is True
    assert (progress.probing, progress.next_index) == (True, 4)


def test_a_rejection_of_what_is_known_to_match_is_old() -> None:
    """It was sent before the peer caught up."""
    progress = replicating(3, 9)
    assert progress.back_off(rejected=2, hint=1) is False
    assert progress.probing is False


def test_probing_goes_back_to_the_hint_and_no_further_than_the_match() -> None:
    """The next try is right behind the hint, at least one step back, never at a known match."""
    progress = Progress(place=1, next_index=9)
    assert progress.back_off(rejected=8, hint=4) is True
    assert progress.next_index == 5
    assert progress.back_off(rejected=4, hint=4) is True
    assert progress.next_index == 4
    progress.match = 2
    assert progress.back_off(rejected=3, hint=0) is True
    assert progress.next_index == 3


def test_probing_ignores_answers_to_earlier_questions() -> None:
    """Only the rejection of the last try counts."""
    progress = Progress(place=1, next_index=9)
    assert progress.back_off(rejected=5, hint=0) is False
    assert progress.next_index == 9
