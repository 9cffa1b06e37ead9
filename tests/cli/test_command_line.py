"""What all commands have in common: help, JSON, errors, completion, and that one of them imports no other."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_ml.cli.main import COMMANDS, main, make_parser

CLI = Path(__file__).parents[2] / "src" / "airflow_ml" / "cli"


def leaves(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Return the parsers that something is done by, by the words that lead to them."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name.strip(), parser
    for action in below:
        for word, child in action.choices.items():
            yield from leaves(child, f"{name} {word}")


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    return make_parser()


def test_every_module_is_a_command_and_the_other_way_round():
    """A command's module is called like it; the two parts of commands are modules as well."""
    modules = {file.stem.removesuffix("_command") for file in CLI.glob("*_command.py")}

    assert modules == {*COMMANDS, "gc"}


def test_everything_prints_json(parser):
    """There is no command without --json."""
    without = [name for name, leaf in leaves(parser) if "--json" not in leaf._option_string_actions]

    assert without == []


def test_everything_has_examples(parser):
    """`--help` of each command shows how it is called."""
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    without = [name for name, one in commands.choices.items() if not (one.epilog or "").startswith("examples:")]

    assert without == ["pools", "version"]


def test_examples_can_be_parsed(parser, capsys):
    """An example that the command would not take is worse than none."""
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    lines = [line.strip() for one in commands.choices.values() for line in (one.epilog or "").splitlines()[1:]]
    called = [re.split(r"[#>]| && ", line)[0].strip() for line in lines if line.startswith("airflow-ml ")]

    for line in called:
        assert parser.parse_args(shlex.split(line.replace("'", ""))[1:])
    assert len(called) > 20


def test_one_command_imports_no_other(home):
    """Only the module of the command that is called is imported, and nothing that it does not need."""
    code = "import sys; from airflow_ml.cli.main import main; main(['version']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stdout.split()

    assert [name for name in names if name.endswith("_command")] == []
    assert not {"sqlalchemy", "airflow", "pandas", "airflow_ml.core", "json"} & set(names)


def test_errors_are_json_where_that_was_asked_for(home, capsys):
    """With --json an error is one line of JSON on standard error, and nothing else is printed."""
    assert main(["runs", "list", "--workspace", "nowhere", "--json"]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert json.loads(printed.err)["error"]["message"].startswith("workspace 'nowhere': does not exist")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_has_code_for_each_shell(shell, capsys):
    """`completion` prints what the shell reads."""
    assert main(["completion", shell]) == 0
    assert "airflow-ml" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "found"),
    [("airflow-ml ru", "runs"), ("airflow-ml runs sh", "show"), ("airflow-ml runs list --exp", "--experiment")],
)
def test_shells_are_answered(line, found, tmp_path):
    """The protocol of completion: the line comes in the environment, the answers go to a file."""
    answers = tmp_path / "answers"
    variables = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answers),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    command = [sys.executable, "-m", "airflow_ml.cli.main"]
    subprocess.run(command, env={**os.environ, **variables}, check=False, capture_output=True, timeout=120)

    assert found in answers.read_text().replace(" ", "").split("\n")
