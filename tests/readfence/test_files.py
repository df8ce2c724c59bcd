"""Files that are written whole or not at all."""

from pathlib import Path

import pytest

from readfence.exits import EnvironmentFailed
from readfence.files import written_whole
from sim.errors import InputError


def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path: Path) -> None:
    """Nobody reads half a file, and an error costs nothing."""
    file = tmp_path / "file"
    file.write_text("before")
    with pytest.raises(InputError, match="in the middle"), written_whole(file) as text:
        text.write("half")
        raise InputError("in the middle")
    assert file.read_text() == "before"
    with written_whole(file) as text:
        text.write("after")
        assert file.read_text() == "before"
    assert file.read_text() == "after"
    assert list(tmp_path.iterdir()) == [file]


def test_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    """Before anything is done."""
    with (
        pytest.raises(InputError, match="nowhere/file: cannot write there: No such file"),
        written_whole(tmp_path / "nowhere" / "file"),
    ):
        raise AssertionError("it was opened")


def test_a_device_is_written_as_it_is(tmp_path: Path) -> None:
    """It is not replaced by a file of its name; what it refuses is told."""
    link = tmp_path / "link"
    link.symlink_to("/dev/full")
    with (
        pytest.raises(EnvironmentFailed, match="link: cannot be written: No space left"),
        written_whole(link) as text,
    ):
        text.write("x")
    assert Path("/dev/full").is_char_device()
