from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from airflow_ml.compute.built_folders import MARKER_FILE, BuiltFolder
from airflow_ml.compute.eviction import Bounds, list_built, prune
from airflow_ml.exceptions import UserErrorException

DAY = 86400


def write(folder: Path, _lock: int) -> dict[str, object]:
    """Build something of one block."""
    folder.mkdir()
    (folder / "data").write_bytes(b"x" * 4096)
    return {"kind": "virtual environment"}


@pytest.fixture
def make(tmp_path):
    """Build something that was used so many days ago."""

    def make(digest: str, days: float) -> Path:
        hold, _ = BuiltFolder(tmp_path, digest, where="a test").hold(write)
        hold.close()
        then = time.time() - days * DAY
        os.utime(tmp_path / digest / MARKER_FILE, (then, then))
        return tmp_path / digest

    return make


def digests(found) -> list[str]:
    """Return the names of what was listed or removed."""
    return [item.digest for item in found]


def test_used_last_comes_first(make, tmp_path):
    """What is listed says how large it is and when it was used."""
    make("old", 3)
    make("new", 1)

    newest, oldest = list_built(tmp_path)

    assert (newest.digest, oldest.digest, newest.is_in_use) == ("new", "old", False)
    assert newest.size >= 4096
    assert newest.used_at > oldest.used_at


def test_age(make, tmp_path):
    """What was not used for long goes."""
    make("old", 3)
    make("new", 1)

    assert digests(prune(tmp_path, Bounds(1e12, 2 * DAY)).removed) == ["old"]
    assert digests(list_built(tmp_path)) == ["new"]


def test_size(make, tmp_path):
    """What is too much for the disk goes, used longest ago first."""
    for digest, days in (("c", 3), ("a", 1), ("b", 2)):
        make(digest, days)
    size = list_built(tmp_path)[0].size

    assert digests(prune(tmp_path, Bounds(1.5 * size, 9 * DAY)).removed) == ["c", "b"]


def test_dry_run(make, tmp_path):
    """A dry run says the same and removes nothing."""
    make("old", 3)

    assert digests(prune(tmp_path, Bounds(0, 0), is_dry=True).removed) == ["old"]
    assert digests(list_built(tmp_path)) == ["old"]


def test_in_use(make, tmp_path):
    """What a step runs from is spared, also when the step's own process is gone and its keeper holds on."""
    make("used", 3)
    hold, _ = BuiltFolder(tmp_path, "used", where="a test").hold(write)
    inherited = os.dup(hold.fileno())
    hold.close()
    (item,) = list_built(tmp_path)

    result = prune(tmp_path, Bounds(0, 0))

    assert (item.is_in_use, digests(result.spared), digests(result.removed)) == (True, ["used"], [])
    os.close(inherited)
    assert digests(prune(tmp_path, Bounds(0, 0)).removed) == ["used"]


def test_removed_is_built_again(make, tmp_path):
    """Who needs what was removed builds it again."""
    make("gone", 3)
    prune(tmp_path, Bounds(0, 0))

    hold, done = BuiltFolder(tmp_path, "gone", where="a test").hold(write)

    hold.close()
    assert done is not None


def test_interrupted_removal(make, tmp_path):
    """What is left of a removal that was interrupted is no environment, and goes with the next one."""
    folder = make("half", 3)
    (folder / MARKER_FILE).unlink()

    assert list_built(tmp_path) == []
    prune(tmp_path, Bounds(1e12, 9 * DAY))
    assert not folder.exists()


def test_images_stay_without_an_engine(make, tmp_path):
    """The folder of an image stays as long as its image cannot be removed."""
    folder = make("image", 3)
    marker = json.loads((folder / MARKER_FILE).read_text())
    (folder / MARKER_FILE).write_text(json.dumps({**marker, "kind": "image"}))

    assert prune(tmp_path, Bounds(0, 0)).removed == ()
    assert digests(prune(tmp_path, Bounds(0, 0), remove_image=lambda _item: False).spared) == ["image"]
    assert digests(prune(tmp_path, Bounds(0, 0), remove_image=lambda _item: True).removed) == ["image"]


def test_bounds(monkeypatch):
    """The bounds are the worker's to set; nonsense is named."""
    monkeypatch.setenv("AIRFLOW_ML_ENVIRONMENTS_GB", "2")

    assert Bounds.default().most_bytes == 2e9
    monkeypatch.setenv("AIRFLOW_ML_ENVIRONMENTS_DAYS", "never")
    with pytest.raises(UserErrorException, match="AIRFLOW_ML_ENVIRONMENTS_DAYS='never'"):
        Bounds.default()
