"""The form of paths on a store."""

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.protocol import join_path, normalise_path


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "a/..", "nul\0l", "bad\udcff", ".aml-tmp-1", "a/.aml-tmp-x/b"]
)
def test_paths_that_lead_elsewhere_are_refused_with_the_path(path):
    """Absolute paths, `..`, NUL, names that are not UTF-8 and our temporary names are errors that quote the path."""
    with pytest.raises(UserErrorException, match="path '"):
        normalise_path(path)


@pytest.mark.parametrize(
    ("given", "normal"), [("", ""), (".", ""), ("a//b/", "a/b"), ("./a/./b", "a/b"), ("..a/b..", "..a/b..")]
)
def test_paths_have_one_form(given, normal):
    """Empty and `.` elements and a slash at the end mean nothing; dots inside names are names."""
    assert normalise_path(given) == normal


def test_joining_with_an_empty_side_adds_no_slash():
    """Joining the root or the file itself gives the other side."""
    assert [join_path("", "a"), join_path("a", ""), join_path("a", "b")] == ["a", "a", "a/b"]
