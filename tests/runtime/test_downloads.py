"""Where downloaded files of a run go."""

from __future__ import annotations

import pytest

from airflow_ml.runtime.downloads import download_target, download_targets

NAMES = ["logs/a", "logs/b/c", "logs2/d"]


@pytest.mark.parametrize(
    ("prefix", "folder", "paths", "append_prefix", "targets"),
    [
        (None, None, None, True, NAMES),
        ("logs", "to", None, True, ["to/logs/a", "to/logs/b/c"]),
        ("logs/", "to", None, False, ["to/a", "to/b/c"]),
        ("logs\\b", None, None, False, ["logs/b/c"]),
        ("logs/a", "to", None, False, ["to/logs/a"]),
        ("log", None, None, True, []),
        ("logs", "to", ["x", "y"], False, ["to/x", "to/y"]),
        ("logs", "to", ["x", "x"], False, ["to/a", "to/b/c"]),
    ],
)
def test_files_below_a_prefix(prefix, folder, paths, append_prefix, targets):
    """A prefix is a whole folder or file; given paths count if there are as many different ones; a folder is first."""
    found = download_targets(NAMES, prefix, folder, paths, append_prefix=append_prefix)

    assert [target for _, target in found] == targets


def test_one_file(tmp_path):
    """One file goes to the path that was given, into it if it is a folder, or beside the caller under its own name."""
    assert download_target("outputs/m.pkl", None) == "m.pkl"
    assert download_target("outputs/m.pkl", "x.pkl") == "x.pkl"
    assert download_target("outputs/m.pkl", str(tmp_path)) == str(tmp_path / "m.pkl")
