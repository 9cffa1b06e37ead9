"""`airflow-ml init`: a workspace for the code in this folder."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, describe
from airflow_ml.cli._output import write_json
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml import registry as registries
    from airflow_ml.core import _config_file
    from airflow_ml.graph import model
    from airflow_ml.registry import errors
else:
    _config_file = late("airflow_ml.core._config_file")
    errors = late("airflow_ml.registry.errors")
    model = late("airflow_ml.graph.model")
    registries = late("airflow_ml.registry")

__all__ = ["add_to"]

_DESCRIPTION = """
Makes a workspace, or finds the one of that name, and writes .azureml/config.json, by which Workspace.from_config()
finds it from this folder and those below. Nothing is asked. Without a database the workspace is a folder of this
machine.
"""
_EXAMPLES = """
airflow-ml init                                         # called like this folder
airflow-ml init ml --registry-url postgresql://db/ml    # in a database that machines share
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("init", help=words)
    describe(parser, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the workspace; default: this folder's name")
    parser.add_argument(
        "--registry-url", metavar="URL", help="a database for its records, without a password; default: a file"
    )
    parser.add_argument("--folder", metavar="PATH", default=".", help="that gets .azureml; default: this one")
    parser.add_argument("--force", action="store_true", help="write over a configuration of another workspace")
    add_json_argument(parser)
    parser.set_defaults(run=_init)


def _init(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise UserErrorException(f"init: {arguments.folder!r} is no folder; make it first")
    file = folder / ".azureml" / "config.json"
    known = _config_file.read_config(file) if file.is_file() else None
    name = arguments.name or (known.name if known is not None else _name_of(folder))
    url = arguments.registry_url or (known.registry_url if known is not None and known.name == name else None)
    ref = model.WorkspaceRef(name, registry_url=url)
    if known is not None and (known.name, known.registry_url) != (name, url) and not arguments.force:
        raise UserErrorException(f"init: {str(file)!r} names workspace {known.name!r} already; --force writes over it")
    is_new = _open(ref)
    if known is None or (known.name, known.registry_url) != (name, url):
        _config_file.write_config(ref, str(folder), None)
    _tell(arguments, ref, file, is_new=is_new)
    return 0


def _open(ref: model.WorkspaceRef) -> bool:
    """Make the workspace, and return whether it was not there."""
    try:
        registries.open_registry(ref, create=False).close()
    except errors.WorkspaceNotFoundError:
        registries.open_registry(ref).close()
        return True
    return False


def _tell(arguments: argparse.Namespace, ref: model.WorkspaceRef, file: Path, *, is_new: bool) -> None:
    where = ref.registry_url or (os.environ.get("AIRFLOW_ML_REGISTRY") and "the database of AIRFLOW_ML_REGISTRY")
    place = where or str(registries.Home.default().workspace(ref.name).root)
    if arguments.json:
        write_json({"workspace": ref.name, "config": str(file), "place": place, "created": is_new})
        return
    sys.stdout.write(
        f"workspace {ref.name!r} {'made' if is_new else 'found'} in {place}\n"
        f"{file} names it: Workspace.from_config() finds it\n"
        "next: airflow-ml check .    or    airflow-ml run pipeline.py\n"
    )


def _name_of(folder: Path) -> str:
    """Return a folder's name as a workspace may be called."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-_")
    return name[:32] or "ml"
