"""
The page of all commands, docs/command.md, made of the parsers.

`make command` writes it; a test says when it is old. The layout is our own, because that of argparse's help depends on
Python's version and on the terminal.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator

from airflow_ml.cli.main import make_parser

__all__ = ["reference"]

_HEAD = """# The command `airflow-ml`

`airflow-ml COMMAND --help` says the same. `eval "$(airflow-ml completion bash)"` lets the shell complete it.

Exit codes: 0 is good; 1 says that what was asked about is not (a run that failed, a problem, something missing); 2 is
an error of the call, one line on standard error; 3 of `service status` says that none runs; 130 is an interrupt.

With `--json` a command prints one JSON object on standard output and nothing else: lists are under their plural name
(`{"runs": [...]}`), what is said about one thing are the object's own members, moments are ISO 8601 in UTC. An error is
`{"error": {"type": ..., "message": ...}}` in one line on standard error.
"""


def reference() -> str:
    """Return the page."""
    parts = [_HEAD]
    for name, words, parser in _children(make_parser()):
        parts += _command(f"airflow-ml {name}", words, parser, level=2)
    return "\n".join(parts)


def _children(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Return the names of the commands below, the few words that their list has for each, and their parsers."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words = {item.dest: str(item.help) for item in action._choices_actions}
            yield from ((name, words[name], child) for name, child in action.choices.items())


def _command(name: str, words: str, parser: argparse.ArgumentParser, *, level: int) -> Iterator[str]:
    """Return the lines about a command, and about those below it."""
    yield f"{'#' * level} `{name}`\n"
    yield f"{parser.description.strip() if parser.description else f'{words[0].upper()}{words[1:]}.'}\n"
    options = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    rows = [_row(action) for action in options if not isinstance(action, argparse._SubParsersAction)]
    if rows:
        yield "\n".join(["| | |", "| --- | --- |", *rows, ""])
    if parser.epilog:
        lines = [line.strip() for line in parser.epilog.strip().splitlines()[1:]]
        yield "\n".join(["```text", *lines, "```", ""])
    for word, child_words, child in _children(parser):
        yield from _command(f"{name} {word}", child_words, child, level=level + 1)


def _row(action: argparse.Action) -> str:
    """Return an argument or option, and what is said of it."""
    shown = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None:
        shown = "\\|".join(map(str, action.choices))
    value = "" if action.nargs == 0 else f" {shown}"
    names = ", ".join(f"{option}{value}" for option in action.option_strings) or shown
    escaped = re.sub(r"(?<!\\)\|", r"\\|", names)
    text = (action.help or "").replace("%(default)g", str(action.default)).replace("%(default)s", str(action.default))
    return f"| `{escaped}` | {text.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
