"""Files that arrive in parts, over several tries."""

import pytest

from airflow_ml.storage.transfer.partial_file import PartialFile


@pytest.fixture
def begin(tmp_path):
    """Function that begins the file of ten bytes, in parts of four, or goes on with it."""
    opened = []

    def begin(content="v1"):
        opened.append(PartialFile(tmp_path / "f", content, size=10, part_size=4))
        return opened[-1]

    yield begin
    for file in opened:
        file.close()


def names(folder):
    """Return the names in a folder."""
    return sorted(place.name for place in folder.iterdir())


def test_parts_of_an_earlier_try_count(tmp_path, begin):
    """The file becomes the target when all are there, and nothing else stays."""
    first = PartialFile(tmp_path / "f", "v1", size=10, part_size=4)
    first.write(2, b"89")
    first.close()
    second = begin()

    assert second.arrived == {2}
    second.write(1, b"4567")
    second.write(0, b"0123")
    second.become_target()
    assert (tmp_path / "f").read_text() == "0123456789"
    assert names(tmp_path) == ["f"]


def test_another_content_begins_anew_and_takes_the_old_away(tmp_path, begin):
    """What is left of another version is of no use."""
    first = PartialFile(tmp_path / "f", "v1", size=10, part_size=4)
    first.write(0, b"old!")
    first.close()

    assert begin("v2").arrived == frozenset()
    assert len(names(tmp_path)) == 2


def test_two_at_once_do_not_share_a_file(tmp_path, begin):
    """The second one works beside the first one, and either is whole."""
    first, second = begin(), begin()
    first.write(0, b"0123")

    assert second.arrived == frozenset()
    for index, part in enumerate([b"0123", b"4567", b"89"]):
        second.write(index, part)
    second.become_target()
    assert (tmp_path / "f").read_text() == "0123456789"


def test_a_line_that_was_cut_in_the_journal_does_not_count(tmp_path, begin):
    """A process may be killed in the middle of a write."""
    first = PartialFile(tmp_path / "f", "v1", size=10, part_size=4)
    first.write(0, b"0123")
    first.close()
    journal = next(place for place in tmp_path.iterdir() if place.name.endswith(".parts"))
    journal.write_text("0\n77\nnonsense\n1")

    assert begin().arrived == {0}
