"""Arguments that several commands take. Every command's start reads them, so nothing is imported for them."""

from __future__ import annotations

import argparse

__all__ = [
    "add_json_argument",
    "add_pipeline_arguments",
    "add_workspace_argument",
    "describe",
    "not_negative",
    "positive",
]


def add_pipeline_arguments(parser: argparse.ArgumentParser, *, with_values: bool = True) -> None:
    """
    Add what every command takes that is about a pipeline.

    Args:
        with_values: also what a run of it takes: values of parameters, and how results are reused.
    """
    parser.add_argument(
        "target",
        metavar="FILE.py|MODULE|GRAPH.json|DAG_ID|PUBLISHED",
        help="a script or DAG file, a module, a graph as JSON, the id of a DAG, or a published pipeline's id or name",
    )
    parser.add_argument(
        "script_arguments", nargs="*", default=[], metavar="-- ARGUMENT", help="arguments of the script"
    )
    parser.add_argument("--pipeline", metavar="NAME", help="which of several pipelines")
    if with_values:
        parser.add_argument(
            "-p",
            "--parameter",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="of the pipeline; may be repeated",
        )
        parser.add_argument(
            "--reuse", choices=("normal", "off", "refresh"), help="default: what the script says, or normal"
        )
    parser.add_argument("--workspace", metavar="NAME", help="where DAG_ID and PUBLISHED are looked up")


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--json`, which every command takes; see `_output`."""
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def describe(parser: argparse.ArgumentParser, description: str, examples: str) -> None:
    """
    Say what a command does, and how it is called.

    Args:
        examples: lines; what stands behind `#` in one says what it is for.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = description.strip()
    lines = "\n".join(f"  {line.strip()}" for line in examples.strip().splitlines())
    parser.epilog = f"examples:\n{lines}"


def add_workspace_argument(parser: argparse.ArgumentParser) -> None:
    """Add the workspace that a command is about."""
    help_text = "default: that of config.json, or else all of this machine"
    parser.add_argument("--workspace", metavar="NAME", help=help_text)


def positive(text: str) -> int:
    """Return a whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def not_negative(text: str) -> float:
    """Return a number from 0 on."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 on")
    return number
