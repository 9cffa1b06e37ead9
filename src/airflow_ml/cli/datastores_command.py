"""`airflow-ml datastores list | show | register`: named places for data."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_workspace_argument, describe
from airflow_ml.cli._output import time_text, timestamp, write_json
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.cli import tables, workspaces
    from airflow_ml.core import datastore as core_datastore
    from airflow_ml.graph import Json
    from airflow_ml.registry.records import DatastoreRecord
else:
    core_datastore = late("airflow_ml.core.datastore")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_HEADER = ("name", "type", "default", "place", "registered")
_SERVER = (("server", "server_name"), ("database", "database_name"))
#: Kind -> v1's method, and the options that it needs beside the name, with the parameters that they are.
_KINDS: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "blob": ("register_azure_blob_container", (("container", "container_name"), ("account", "account_name"))),
    "file-share": ("register_azure_file_share", (("share", "file_share_name"), ("account", "account_name"))),
    "data-lake": ("register_azure_data_lake_gen2", (("filesystem", "filesystem"), ("account", "account_name"))),
    "sql": ("register_azure_sql_database", _SERVER),
    "postgresql": ("register_azure_postgre_sql", _SERVER),
    "mysql": ("register_azure_my_sql", _SERVER),
}
_DATABASES = frozenset({"postgresql", "mysql"})
_EXAMPLES = """
airflow-ml datastores list
airflow-ml datastores register blob raw --account sales --container raw --connection sales_blob
airflow-ml datastores register postgresql orders --server db.local --database orders --connection orders_db
"""
_REGISTER = """
Registers a place for data, as Datastore.register_... does in code. Secrets are not taken here, where everybody on the
machine could read them: name an Airflow connection that has them, or register in code.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("datastores", help=words)
    describe(parser, "The named places for data of a workspace. Secrets are never shown.", _EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list datastores")
    listing.set_defaults(run=_list)
    show = actions.add_parser("show", help="show one datastore's settings")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=_show)
    register = actions.add_parser("register", help="register a datastore", description=_REGISTER)
    register.add_argument("kind", choices=sorted(_KINDS), help="of the place")
    register.add_argument("name", metavar="NAME", help="of the datastore")
    for option in _options():
        register.add_argument(f"--{option}", metavar="NAME")
    register.add_argument("--connection", metavar="ID", help="of the Airflow connection that has the secrets")
    register.add_argument(
        "--endpoint", metavar="HOST", help="in the place of Azure's own; '' for a host as it is named"
    )
    register.add_argument("--overwrite", action="store_true", help="change one that is registered")
    register.set_defaults(run=_register)
    for action in (listing, show, register):
        add_workspace_argument(action)
        add_json_argument(action)


def _options() -> dict[str, None]:
    """Return the options of all kinds."""
    return dict.fromkeys(option for _, options in _KINDS.values() for option, _ in options)


def _list(arguments: argparse.Namespace) -> int:
    chosen = workspaces.choose(arguments.workspace)
    found = [(workspace.name, record) for workspace in chosen for record in workspace.registry().datastores.list()]
    if arguments.json:
        documents: list[Json] = [_document(workspace, record) for workspace, record in found]
        write_json({"datastores": documents})
        return 0
    is_mixed = len(chosen) > 1
    rows = [((workspace,) if is_mixed else ()) + _row(record) for workspace, record in found]
    tables.print_table((("workspace",) if is_mixed else ()) + _HEADER, rows, sys.stdout)
    return 0


def _row(record: DatastoreRecord) -> tuple[str, ...]:
    return (
        record.name,
        record.type,
        "default" if record.is_default else "",
        _place(record),
        time_text(record.created_at),
    )


def _place(record: DatastoreRecord) -> str:
    """Return where a datastore is, in as many words as a table has room for."""
    known = ("root", "account", "container", "share", "filesystem", "host", "server", "database")
    return "/".join(str(record.settings[key]) for key in known if record.settings.get(key)) or "the workspace's home"


def _document(workspace: str, record: DatastoreRecord) -> dict[str, Json]:
    return {
        "workspace": workspace,
        "name": record.name,
        "type": record.type,
        "is_default": record.is_default,
        "settings": dict(record.settings),
        "has_secret": record.secret is not None,
        "registered_at": timestamp(record.created_at),
    }


def _show(arguments: argparse.Namespace) -> int:
    workspace = workspaces.only(arguments.workspace, "datastores show")
    document = _document(workspace.name, workspace.registry().datastores.get(arguments.name))
    if arguments.json:
        write_json(document)
    else:
        settings = document.pop("settings")
        flat = {**document, **(settings if isinstance(settings, dict) else {})}
        tables.print_fields(flat, sys.stdout)
    return 0


def _register(arguments: argparse.Namespace) -> int:
    method, options = _KINDS[arguments.kind]
    given = {option: getattr(arguments, option) for option in _options()}
    missing = [f"--{option}" for option, _ in options if not given[option]]
    if missing:
        raise UserErrorException(f"datastores register {arguments.kind}: give {' and '.join(missing)}")
    taken = {option for option, _ in options}
    extra = next((option for option, value in given.items() if value and option not in taken), None)
    if extra is not None:
        raise UserErrorException(f"datastores register {arguments.kind}: --{extra} is not of this kind; leave it out")
    workspace = workspaces.only(arguments.workspace, "datastores register")
    values: dict[str, object] = {parameter: given[option] for option, parameter in options}
    if arguments.endpoint is not None:
        values["endpoint"] = arguments.endpoint
    if arguments.kind in _DATABASES:
        values |= {"user_id": "", "user_password": ""}  # both come with the connection
    register = getattr(core_datastore.Datastore, method)
    register(workspace, arguments.name, overwrite=arguments.overwrite, connection=arguments.connection, **values)
    if arguments.json:
        write_json(_document(workspace.name, workspace.registry().datastores.get(arguments.name)))
    else:
        sys.stdout.write(f"datastore {arguments.name!r} registered in workspace {workspace.name!r}\n")
    return 0
