"""The state of files that somebody read."""

from datetime import datetime, timezone

from airflow_ml.storage.files_state import FilesState
from airflow_ml.storage.protocol import FileInfo

NOW = datetime.now(timezone.utc)


def state(*files: tuple[str, str]) -> str:
    """Return the state of files by path and ETag."""
    found = FilesState()
    for path, etag in files:
        found.add(FileInfo(path, 1, etag, NOW))
    return str(found)


def test_the_order_does_not_count():
    """Files are the same in whatever order they come."""
    assert state(("a", "1"), ("b", "2")) == state(("b", "2"), ("a", "1"))


def test_a_file_that_was_written_shows():
    """Another ETag, another file, a missing one, one that is there twice: each is another state."""
    states = [state(), *(state(("a", etag)) for etag in "12"), state(("b", "1")), state(("a", "1"), ("a", "1"))]

    assert len(set(states)) == len(states)


def test_a_renewed_signature_does_not_show():
    """What lets an address be read says nothing of the file."""
    assert state(("https://h/a?sig=1", "e")) == state(("https://h/a?sig=2", "e"))


def test_names_that_are_no_text():
    """File names may hold any byte."""
    assert state(("\udcff", "1")) != state(("\udcfe", "1"))
