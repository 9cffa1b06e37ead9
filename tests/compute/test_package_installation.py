"""What an installer's words mean."""

from __future__ import annotations

import pytest

from airflow_ml.compute.package_installation import may_pass


@pytest.mark.parametrize(
    ("words", "passes"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", True),
        ("error: failed to write: Disk quota exceeded (os error 122)", True),
        ("error sending request for url (http://index/simple/a/)", True),
        ("ERROR: No matching distribution found for a", False),
    ],
)
def test_what_trying_again_can_help_with(words: str, passes: bool) -> None:
    """A full disk and an index that is away are the machine's affair; packages that are not there are the user's."""
    assert may_pass(words) is passes
