"""The documentation says what is there."""

import re
from pathlib import Path

import pytest

from airflow_ml.cli.reference import reference

ROOT = Path(__file__).parents[2]
PATHS = re.compile(r"`((?:src|operators|plugins|dags|docs|tests|benchmarks)/[\w./-]+)`")


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=lambda page: page.name)
def test_every_path_named_in_the_docs_exists(page):
    """A page never names a file or folder of the repository that is not there."""
    named = set(PATHS.findall(page.read_text(encoding="utf-8")))

    missing = sorted(path for path in named if not (ROOT / path).exists())

    assert not missing


def test_one_step_is_readable_in_six_files():
    """The architecture page leads from a DAG file to the process in at most six files."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| (\d+) \| `", text, flags=re.MULTILINE)

    assert 1 <= len(rows) <= 6


def test_the_page_of_commands_is_that_of_the_parsers():
    """docs/command.md says what the command takes; `make command` writes it."""
    assert (ROOT / "docs" / "command.md").read_text(encoding="utf-8") == reference(), "run make command"
