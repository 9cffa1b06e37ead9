"""
The examples of the pages run.

A page's blocks of Python run in their order in one process, in a folder of its own. A block whose first line is a
file's name is that file. What a page takes for granted (`workspace`, an account's key) is made by a file of the page's
name in `preambles`, which runs first. Blocks of `sh` run as well where the page is a tutorial; elsewhere their
`airflow-ml` commands must be such that the command takes them.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_ml.cli.main import make_parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PREAMBLES = Path(__file__).parent / "preambles"
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./]+\.py)\n")

#: Pages to be read and typed from top to bottom.
TUTORIALS = ["migrate", "tutorial"]


@dataclass(frozen=True)
class Block:
    """An example of a page."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that the block is, if it is one."""
        named = FILE.match(self.text)
        return named[1] if named else None


def blocks(page: str) -> list[Block]:
    """Return the examples of a page, in their order."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return [Block(found[1], found[2], text[: found.start()].count("\n") + 2) for found in BLOCK.finditer(text)]


PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
WITH_PYTHON = [page for page in PAGES if page not in TUTORIALS and any(b.language == "python" for b in blocks(page))]
COMMANDS = [
    pytest.param(line.partition("#")[0].strip(), id=f"{page}:{block.line}:{line.strip()[:60]}")
    for page in PAGES
    for block in blocks(page)
    if block.language == "sh"
    for line in block.text.splitlines()
    if line.strip().startswith("airflow-ml ")
]


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with a home below the folder, and with this interpreter's commands."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"AIRFLOW_ML_HOME": str(folder / "home"), "AIRFLOW_HOME": str(folder / "airflow"), "PATH": path}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_ML_")}
    return kept | own


def run(*command: str, folder: Path, **variables: str) -> str:
    """Run a command in a folder of the example's own and return what it prints."""
    place = folder / "here"
    env = environment(folder) | variables
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def servers(request):
    """Start what a page's preamble asks the environment for, and return where it is."""

    def settings(preamble: str) -> dict[str, str]:
        found = {}
        if "AZURITE" in preamble:
            azurite = request.getfixturevalue("azurite")
            found |= {"ACCOUNT": azurite.account, "KEY": azurite.key, "ENDPOINT": azurite.endpoint}
        if "POSTGRES" in preamble:
            found["POSTGRES_URL"] = request.getfixturevalue("postgres_url")
        return found

    return settings


@pytest.mark.airflow
@pytest.mark.azurite
@pytest.mark.postgres
@pytest.mark.parametrize("page", WITH_PYTHON)
def test_the_python_of_a_page_runs(page, tmp_path, servers):
    """All blocks of a page, one after the other, after what the page takes for granted."""
    (tmp_path / "here").mkdir()
    before = PREAMBLES / f"{page}.py"
    parts = [before.read_text(encoding="utf-8") if before.exists() else ""]
    own = [block for block in blocks(page) if block.language == "python"]
    parts += [f"# {page}.md, line {block.line}\n{block.text}" for block in own]
    (tmp_path / "here" / "example.py").write_text("\n".join(parts), encoding="utf-8")

    run(sys.executable, "example.py", folder=tmp_path, **servers(parts[0]))


def type_along(page: str, folder: Path) -> list[str]:
    """Write the files of a page, type its commands and run its Python in their order, and return what is printed."""
    place = folder / "here"
    place.mkdir()
    shown = []
    for block in blocks(page):
        if block.file is not None:
            (place / block.file).parent.mkdir(parents=True, exist_ok=True)
            (place / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            shown.append(run(sys.executable, "-c", block.text, folder=folder))
        else:
            shown.append(run("bash", "-ec", block.text, folder=folder))
    return shown


def planned(text: str) -> list[list[str]]:
    """Return the actions and names of the steps that plans show."""
    return [line.split()[:2] for line in text.splitlines() if line.startswith("  ")]


@pytest.mark.airflow
def test_the_tutorial_does_what_it_says(tmp_path):
    """Files are written, commands are typed, Python runs: in the order of the page, in one folder."""
    first, plans, last, _ = type_along("tutorial", tmp_path)

    assert re.search(r"slope (2\.99|3\.00)", first.splitlines()[-1])
    assert planned(plans) == [
        ["reuse", "prepare.py"],
        ["reuse", "train.py"],
        ["reuse", "prepare.py"],
        ["run", "train.py"],
    ]
    assert "reused" in last


@pytest.mark.airflow
def test_moving_over_works_as_it_is_said(tmp_path):
    """The repository that the page begins with is checked, changed, run and planned as a DAG."""
    _, first, plan = type_along("migrate", tmp_path)

    assert "0 are not there" in first
    assert re.search(r"^prepare +Finished .* rows = 4 ", first, re.MULTILINE)
    assert re.search(r"^train +Finished .* slope = 4\.", first, re.MULTILINE)
    assert planned(plan) == [["reuse", "prepare"], ["run", "train"]]


def test_what_the_check_says_of_the_repository_is_what_the_page_shows(tmp_path, monkeypatch):
    """The lines that the page shows of `airflow-ml check` are those that it prints."""
    from airflow_ml.check import check_paths

    text = (DOCS / "migrate.md").read_text(encoding="utf-8")
    (block,) = [block for block in blocks("migrate") if block.file == "train_pipeline.py" and "vnet_name" in block.text]
    (tmp_path / "train_pipeline.py").write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    missing = [line for line in check_paths(["."]).lines() if "  not there  " in line]

    assert len(missing) == 2
    for line in missing:
        assert " ".join(line.split()) in " ".join(text.split())


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_that_the_program_takes(line):
    """A page never shows a command, an option or an argument that is not there."""
    words = [re.sub(r"[<>\[\]]", "", word) for word in shlex.split(line)[1:]]

    make_parser().parse_args(words)
