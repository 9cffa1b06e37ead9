"""`airflow-ml reuse gc`: what nobody needs any more, and its removal."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_workspace_argument, not_negative
from airflow_ml.cli._output import write_json
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.cli import tables, workspaces
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import services
    from airflow_ml.graph import Json
    from airflow_ml.reuse import collection, garbage
else:
    collection = late("airflow_ml.reuse.collection")
    garbage = late("airflow_ml.reuse.garbage")
    services = late("airflow_ml.execution.services")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_HEADER = ("kind", "what", "files", "size", "because", "where")
_DESCRIPTION = """
Lists what nobody needs: outputs of results that were neither computed nor reused for long, or were invalidated; what
attempts left that did not complete; code that no run names. With --delete it is removed. Never touched is what is
registered, published, or in use by an open run.
"""


def add_to(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action's parser to those of `airflow-ml reuse`."""
    gc = actions.add_parser("gc", help="list or remove what nobody needs any more", description=_DESCRIPTION)
    gc.add_argument("--delete", action="store_true", help="remove it; without, it is only listed")
    gc.add_argument(
        "--older-than",
        type=not_negative,
        default=30.0,
        metavar="DAYS",
        help="since a result was computed or reused last; default: %(default)g",
    )
    gc.add_argument(
        "--keep-last",
        type=_count,
        default=0,
        metavar="N",
        help="of each step, keep so many newest results whatever their age; default: %(default)s",
    )
    gc.add_argument(
        "--grace",
        type=not_negative,
        default=24.0,
        metavar="HOURS",
        help="touch nothing younger; never less than the longest run took; default: %(default)g",
    )
    add_json_argument(gc)
    add_workspace_argument(gc)
    gc.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    chosen = workspaces.choose(arguments.workspace)
    if arguments.delete and len(chosen) > 1:
        names = ", ".join(workspace.name for workspace in chosen)
        raise UserErrorException(
            f"reuse gc --delete: several workspaces are on this machine: {names}; give --workspace"
        )
    terms = garbage.Terms(arguments.older_than, arguments.keep_last, arguments.grace)
    found = [(workspace, _collect(workspace, terms, arguments.delete)) for workspace in chosen]
    if arguments.json:
        documents: list[Json] = [_document(workspace, result) for workspace, result in found]
        write_json({"collections": documents})
    else:
        for workspace, result in found:
            _print(workspace, result)
    return int(any(result.failures for _, result in found))


def _collect(workspace: Workspace, terms: garbage.Terms, delete: bool) -> collection.Collection:
    with services.open_services(workspace.ref) as opened:
        return collection.collect_garbage(opened.reuse, terms, delete=delete)


def _document(workspace: Workspace, result: collection.Collection) -> dict[str, Json]:
    garbage_data: list[Json] = [item.to_data() for item in result.garbage]
    return {
        "workspace": workspace.name,
        "deleted": not result.is_dry,
        "garbage": garbage_data,
        "kept": dict(result.kept),
        "removed_files": result.removed,
        "freed_bytes": result.freed,
        "spared": result.spared,
        "failures": list(result.failures),
    }


def _print(workspace: Workspace, result: collection.Collection) -> None:
    rows = [
        (item.kind, item.name, f"{item.files:,}", tables.size_text(item.size), item.reason, item.place)
        for item in result.garbage
    ]
    if rows:
        tables.print_table(_HEADER, rows, sys.stdout)
        sys.stdout.write("\n")
    total = sum(item.files for item in result.garbage)
    size = tables.size_text(sum(item.size for item in result.garbage))
    if result.is_dry:
        way = "; --delete removes them" if rows else ""
        sys.stdout.write(f"workspace {workspace.name!r}: nobody needs {_files(total)} of {size}{way}\n")
    else:
        sys.stdout.write(
            f"workspace {workspace.name!r}: {_files(result.removed)} of {tables.size_text(result.freed)} removed\n"
        )
    for reason, count in result.kept.most_common():
        sys.stdout.write(f"kept: {count:,} {'output' if count == 1 else 'outputs'} {reason}\n")
    if result.spared:
        sys.stdout.write(f"kept: {result.spared:,} that something came to need meanwhile\n")
    for failure in result.failures:
        sys.stderr.write(f"airflow-ml: not removed: {failure}\n")


def _files(count: int) -> str:
    return f"{count:,} {'file' if count == 1 else 'files'}"


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 on")
    return int(text)
