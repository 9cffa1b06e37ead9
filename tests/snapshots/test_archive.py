"""Snapshots as zip files."""

from __future__ import annotations

import zipfile

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.snapshots.archive import write_zip
from airflow_ml.snapshots.capture import capture, hash_only


def test_an_unpacked_zip_is_the_snapshot(store, source, tmp_path):
    """Paths, contents and execute bits are in it, and nothing else is left in its folder."""
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    snapshot = capture(source, store)

    write_zip(store, snapshot.id, tmp_path / "new" / "a.zip")

    with zipfile.ZipFile(tmp_path / "new" / "a.zip") as archive:
        archive.extractall(tmp_path / "back")
        modes = {entry.filename: oct(entry.external_attr >> 16)[-3:] for entry in archive.infolist()}
    (tmp_path / "back" / "run.sh").chmod(0o755)
    assert hash_only(tmp_path / "back") == snapshot
    assert modes == {"lib/model.py": "644", "run.sh": "755", "train.py": "644"}
    assert [place.name for place in (tmp_path / "new").iterdir()] == ["a.zip"]


def test_equal_snapshots_give_equal_files(store, source, tmp_path):
    """The same bytes every time; a file that is there is replaced."""
    snapshot = capture(source, store)
    (tmp_path / "b.zip").write_text("old")

    for name in ("a.zip", "b.zip"):
        write_zip(store, snapshot.id, tmp_path / name)

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_snapshot_that_is_gone_leaves_no_file(store, tmp_path):
    """The error names it, and a file that is there stays."""
    (tmp_path / "a.zip").write_text("old")

    with pytest.raises(ServiceException, match="snapshot '0000"):
        write_zip(store, "0" * 64, tmp_path / "a.zip")

    assert [place.read_text() for place in tmp_path.iterdir() if place.is_file()] == ["old"]
