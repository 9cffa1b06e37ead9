"""Databases of both kinds that can be had, and files to append to their tables."""

from collections.abc import Callable
from pathlib import Path

import pytest
from servers.databases import Served


@pytest.fixture(
    params=[pytest.param("postgres", marks=pytest.mark.postgres), pytest.param("mysql", marks=pytest.mark.mariadb)]
)
def served(request: pytest.FixtureRequest) -> Served:
    """Give a database of each kind in turn."""
    found: Served = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a delimited file."""

    def write_file(text: str) -> Path:
        place = tmp_path / "rows.csv"
        place.write_text(text, encoding="utf-8", newline="")
        return place

    return write_file
