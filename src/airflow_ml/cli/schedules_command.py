"""`airflow-ml schedules list | show | enable | disable`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_workspace_argument, describe
from airflow_ml.cli._output import time_text, timestamp, write_json

if TYPE_CHECKING:
    from airflow_ml.cli import tables, workspaces
    from airflow_ml.graph import Json
    from airflow_ml.pipeline.core import schedule as core_schedule
    from airflow_ml.registry.schedule_records import ScheduleRecord
else:
    core_schedule = late("airflow_ml.pipeline.core.schedule")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_HEADER = ("id", "name", "status", "starts", "when", "created")
_EXAMPLES = """
airflow-ml schedules list
airflow-ml schedules disable 3f1c...
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("schedules", help=words)
    describe(parser, "The schedules of a workspace, which Schedule.create makes.", _EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list schedules")
    listing.add_argument("--all", action="store_true", help="also those that are disabled")
    listing.set_defaults(run=_list)
    show = actions.add_parser("show", help="show a schedule")
    show.set_defaults(run=_show)
    for word, told in (("enable", "let a schedule start runs again"), ("disable", "let a schedule start no more runs")):
        switch = actions.add_parser(word, help=told)
        switch.set_defaults(run=_switch, word=word)
    for action in actions.choices.values():
        if action is not listing:
            action.add_argument("schedule_id", metavar="ID")
        add_workspace_argument(action)
        add_json_argument(action)


def _list(arguments: argparse.Namespace) -> int:
    chosen = workspaces.choose(arguments.workspace)
    found = [
        (workspace.name, record)
        for workspace in chosen
        for record in workspace.registry().schedules.list(active_only=not arguments.all)
    ]
    if arguments.json:
        documents: list[Json] = [_document(workspace, record) for workspace, record in found]
        write_json({"schedules": documents})
        return 0
    is_mixed = len(chosen) > 1
    rows = [((workspace,) if is_mixed else ()) + _row(record) for workspace, record in found]
    tables.print_table((("workspace",) if is_mixed else ()) + _HEADER, rows, sys.stdout)
    return 0


def _row(record: ScheduleRecord) -> tuple[str, ...]:
    created = time_text(record.created_at)
    return record.id, record.content.name, record.status, _started(record), _when(record), created


def _started(record: ScheduleRecord) -> str:
    content = record.content
    return f"endpoint {content.endpoint_id}" if content.endpoint_id is not None else f"pipeline {content.pipeline_id}"


def _when(record: ScheduleRecord) -> str:
    content = record.content
    if content.watch is not None:
        return f"new data in {content.watch.datastore}:{content.watch.path}"
    recurrence = content.recurrence or {}
    return f"every {recurrence.get('interval', 1)} {recurrence.get('frequency', '')}".rstrip()


def _document(workspace: str, record: ScheduleRecord) -> dict[str, Json]:
    content = record.content
    return {
        "workspace": workspace,
        "id": record.id,
        "name": content.name,
        "description": content.description,
        "status": record.status,
        "experiment": content.experiment,
        "pipeline_id": content.pipeline_id,
        "endpoint_id": content.endpoint_id,
        "recurrence": None if content.recurrence is None else dict(content.recurrence),
        "datastore": None if content.watch is None else content.watch.datastore,
        "path": None if content.watch is None else content.watch.path,
        "dag_id": record.dag_id,
        "created_at": timestamp(record.created_at),
    }


def _show(arguments: argparse.Namespace) -> int:
    workspace = workspaces.only(arguments.workspace, "schedules show")
    document = _document(workspace.name, workspace.registry().schedules.get(arguments.schedule_id))
    if arguments.json:
        write_json(document)
    else:
        tables.print_fields(document, sys.stdout)
    return 0


def _switch(arguments: argparse.Namespace) -> int:
    workspace = workspaces.only(arguments.workspace, f"schedules {arguments.word}")
    schedule = core_schedule.Schedule.get(workspace, arguments.schedule_id)
    getattr(schedule, arguments.word)()
    record = workspace.registry().schedules.get(arguments.schedule_id)
    if arguments.json:
        write_json(_document(workspace.name, record))
    else:
        sys.stdout.write(f"schedule {record.content.name!r} is {record.status}\n")
    return 0
