"""What holds for the repository as a whole."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Words that stand for something that was left for later, written apart so that this file does not hold them.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")))
MOST_ENTRIES = 20


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Return the files that git tracks or would, links themselves instead of what they lead to."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no git repository, so it is not known which files belong to it")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).exists()]


@pytest.mark.parametrize("name", ["operators", "plugins"])
def test_the_links_into_the_package_are_folders(name):
    """`airflow_ml.operators` and `airflow_ml.plugins` are the folders at the top."""
    linked = ROOT / "src" / "airflow_ml" / name

    assert linked.is_dir(), "checkout without links? see docs/architecture.md"
    assert linked.resolve() == ROOT / name


def test_the_top_folder_is_easy_to_survey(tracked):
    """The repository has at most 20 entries at the top, hidden ones included."""
    entries = {path.relative_to(ROOT).parts[0] for path in tracked}

    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_nothing_is_left_for_later_in_a_comment(tracked):
    """What is not done is an issue, not a note in the code."""
    texts = {path: path.read_bytes().decode("utf-8", "replace") for path in tracked if path.is_file()}

    assert [str(path.relative_to(ROOT)) for path, text in texts.items() if UNFINISHED.search(text)] == []


def test_tests_are_no_packages():
    """Test folders have no `__init__.py`: pytest imports each file by its path."""
    assert [*(ROOT / "tests").rglob("__init__.py")] == []


def test_scripts_can_be_executed():
    """Everything in `.ci` is a program, and what the Makefile calls is there."""
    scripts = [*(ROOT / ".ci").iterdir()]

    assert [script.name for script in scripts if not script.stat().st_mode & 0o100] == []
    called = set(re.findall(r"\.ci/([\w-]+)", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert called <= {script.name for script in scripts}
