"""A store for snapshots, a source directory, and an index that is the test's own."""

import pytest

from airflow_ml.storage.local import LocalStore


@pytest.fixture(autouse=True)
def _home(tmp_path_factory, monkeypatch):
    """Keep what is remembered of source directories out of the user's home and of other tests."""
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def store(tmp_path):
    """A local store in an empty folder."""
    return LocalStore(tmp_path / "store")


@pytest.fixture
def source(tmp_path):
    """A source directory with a script and a module."""
    root = tmp_path / "source"
    _write(root, {"train.py": "print('hi')\n", "lib/model.py": "x = 1\n"})
    return root


def _write(root, files):
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


@pytest.fixture
def write():
    """Function that writes a mapping from path to text below a folder."""
    return _write
