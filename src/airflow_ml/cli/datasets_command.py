"""`airflow-ml datasets list | show | preview`: registered datasets."""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_workspace_argument, describe, positive
from airflow_ml.cli._output import time_text, timestamp, write_json

if TYPE_CHECKING:
    from airflow_ml.cli import tables, workspaces
    from airflow_ml.core import dataset as core_dataset
    from airflow_ml.data import tabular_dataset
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.graph import Json
    from airflow_ml.registry import DatasetRecord
else:
    core_dataset = late("airflow_ml.core.dataset")
    tables = late("airflow_ml.cli.tables")
    tabular_dataset = late("airflow_ml.data.tabular_dataset")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_HEADER = ("name", "version", "kind", "registered", "description")
_EXAMPLES = """
airflow-ml datasets list
airflow-ml datasets show digits@2
airflow-ml datasets preview digits --rows 5
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("datasets", help=words)
    describe(parser, "The registered datasets of a workspace.", _EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the newest version of each dataset")
    listing.set_defaults(run=_list)
    show = actions.add_parser("show", help="show a dataset's definition and its versions")
    show.set_defaults(run=_show)
    preview = actions.add_parser("preview", help="show the first rows of a table, or the first files")
    preview.add_argument("--rows", type=positive, default=10, metavar="N", help="default: %(default)s")
    preview.set_defaults(run=_preview)
    for action in (show, preview):
        action.add_argument("name", metavar="NAME[@VERSION]", help="default: the newest version")
    for action in (listing, show, preview):
        add_workspace_argument(action)
        add_json_argument(action)


def _list(arguments: argparse.Namespace) -> int:
    chosen = workspaces.choose(arguments.workspace)
    found = [(workspace.name, record) for workspace in chosen for record in workspace.registry().datasets.list()]
    if arguments.json:
        documents: list[Json] = [_document(workspace, record) for workspace, record in found]
        write_json({"datasets": documents})
        return 0
    is_mixed = len(chosen) > 1
    rows = [((workspace,) if is_mixed else ()) + _row(record) for workspace, record in found]
    tables.print_table((("workspace",) if is_mixed else ()) + _HEADER, rows, sys.stdout)
    return 0


def _row(record: DatasetRecord) -> tuple[str, ...]:
    version, kind = str(record.version), _kind(record)
    return record.name or record.id, version, kind, time_text(record.created_at), record.description or ""


def _kind(record: DatasetRecord) -> str:
    return "table" if record.definition.get("kind") == "tabular" else "files"


def _document(workspace: str, record: DatasetRecord) -> dict[str, Json]:
    return {
        "workspace": workspace,
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "kind": _kind(record),
        "description": record.description,
        "tags": dict(record.tags),
        "run_id": record.run_id,
        "registered_at": timestamp(record.created_at),
    }


def _show(arguments: argparse.Namespace) -> int:
    workspace = workspaces.only(arguments.workspace, "datasets show")
    datasets = workspace.registry().datasets
    name, version = _name_and_version(arguments.name)
    record = datasets.by_name(name, version or "latest")
    versions = [str(known.version) for known in datasets.versions(name)]
    if arguments.json:
        known_versions: list[Json] = [*versions]
        document = _document(workspace.name, record)
        write_json({**document, "definition": dict(record.definition), "versions": known_versions})
        return 0
    fields = {**_document(workspace.name, record), "versions": ", ".join(versions)}
    tables.print_fields(fields, sys.stdout)
    sys.stdout.write(f"\n{_dataset(arguments)}\n")
    return 0


def _preview(arguments: argparse.Namespace) -> int:
    dataset = _dataset(arguments)
    if isinstance(dataset, tabular_dataset.TabularDataset):
        frame = dataset.take(arguments.rows).to_pandas_dataframe()
        rows = [[str(value) for value in row] for row in frame.itertuples(index=False)]
        header = [str(column) for column in frame.columns]
    else:
        header = ["path"]
        rows = [[path] for path in islice(dataset.to_path(), arguments.rows)]  # type: ignore[attr-defined]
    if arguments.json:
        documents: list[Json] = [dict(zip(header, row, strict=True)) for row in rows]
        write_json({"rows": documents})
    else:
        tables.print_table(header, rows, sys.stdout)
    return 0


def _dataset(arguments: argparse.Namespace) -> AbstractDataset:
    workspace = workspaces.only(arguments.workspace, "datasets")
    name, version = _name_and_version(arguments.name)
    found: AbstractDataset = core_dataset.Dataset.get_by_name(workspace, name, version or "latest")
    return found


def _name_and_version(text: str) -> tuple[str, str]:
    name, _, version = text.partition("@")
    return name, version
