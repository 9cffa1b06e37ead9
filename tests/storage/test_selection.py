"""Globs and prefixes."""

import pytest

from airflow_ml.storage.selection import glob_files, glob_root, prefix_files

FILES = ["a.csv", "b.txt", "d/a.csv", "d/.h.csv", "d/e/a.csv", "d/e/f/a.csv", "dd/a.csv", "[x]/a.csv", "d/a?.csv"]


@pytest.fixture
def filled(store, fill):
    """A store with the files above."""
    fill(store, dict.fromkeys(FILES, "x"))
    return store


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("*.csv", ["a.csv"]),
        ("d/*.csv", ["d/.h.csv", "d/a.csv", "d/a?.csv"]),
        ("d/**/*.csv", ["d/.h.csv", "d/a.csv", "d/a?.csv", "d/e/a.csv", "d/e/f/a.csv"]),
        ("d/**", ["d/.h.csv", "d/a.csv", "d/a?.csv", "d/e/a.csv", "d/e/f/a.csv"]),
        ("d*/a.csv", ["d/a.csv", "dd/a.csv"]),
        ("**/e/*", ["d/e/a.csv"]),
        ("d/*/a.csv", ["d/e/a.csv"]),
        ("[x]/*", ["[x]/a.csv"]),
        ("d/a?*", ["d/a?.csv"]),
        ("nothing/*", []),
    ],
)
def test_patterns(filled, pattern, matched):
    """`*` stays in one element, `**` crosses them, every other character stands for itself."""
    assert [info.path for info in glob_files(filled, pattern)] == sorted(matched)


def test_the_root_of_a_pattern_is_the_last_whole_folder_before_a_star():
    """Paths inside a dataset are relative to it."""
    assert [glob_root("a/b/c*/d"), glob_root("*.csv"), glob_root("a/**")] == ["a/b", "", "a"]


@pytest.mark.parametrize(
    ("prefix", "matched"),
    [
        ("d", ["d/.h.csv", "d/a.csv", "d/a?.csv", "d/e/a.csv", "d/e/f/a.csv", "dd/a.csv"]),
        ("d/", ["d/.h.csv", "d/a.csv", "d/a?.csv", "d/e/a.csv", "d/e/f/a.csv"]),
        ("d/e/a", ["d/e/a.csv"]),
        ("zzz", []),
    ],
)
def test_prefixes_are_text(filled, prefix, matched):
    """A prefix need not end at a folder, as in the v1 SDK."""
    assert [info.path for info in prefix_files(filled, prefix)] == matched


def test_the_empty_prefix_is_everything(filled):
    """An empty prefix lists the whole store."""
    assert len(list(prefix_files(filled, ""))) == len(FILES)
