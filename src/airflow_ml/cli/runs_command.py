"""`airflow-ml runs list | show | logs | cancel | compare`: what has run, and what came out of it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_workspace_argument, describe, positive
from airflow_ml.cli._output import write_json
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.cli import _run_documents, _run_logs, tables, workspaces
    from airflow_ml.core import run as core_run
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import runner_lock
    from airflow_ml.graph import Json
    from airflow_ml.pipeline.core import run as pipeline_run
    from airflow_ml.registry import RunRecord
else:
    _run_documents = late("airflow_ml.cli._run_documents")
    _run_logs = late("airflow_ml.cli._run_logs")
    core_run = late("airflow_ml.core.run")
    pipeline_run = late("airflow_ml.pipeline.core.run")
    runner_lock = late("airflow_ml.execution.runner_lock")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_HEADER = ("id", "experiment", "name", "status", "started", "duration")
_EXAMPLES = """
airflow-ml runs list --experiment first
airflow-ml runs show 5a1c...
airflow-ml runs logs 5a1c... --step train --follow
airflow-ml runs compare 5a1c... 77d0...
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("runs", help=words)
    describe(parser, "What has run, and what came out of it.", _EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list runs, newest first")
    listing.add_argument("--experiment", metavar="NAME", help="default: all")
    listing.add_argument("--limit", type=positive, default=20, metavar="N", help="default: %(default)s")
    listing.set_defaults(run=_list)
    show = actions.add_parser("show", help="show the steps of a pipeline's run: states, times, metrics, outputs")
    show.add_argument("run_id", metavar="RUN_ID")
    show.set_defaults(run=_show)
    logs = actions.add_parser("logs", help="print what the script of a run, or those of a pipeline's steps, have said")
    logs.add_argument("run_id", metavar="RUN_ID")
    logs.add_argument("--step", metavar="NAME", help="of this step alone")
    logs.add_argument("--follow", action="store_true", help="go on until the run has ended")
    logs.set_defaults(run=_logs)
    cancel = actions.add_parser("cancel", help="ask runs to end")
    cancel.add_argument("run_ids", nargs="+", metavar="RUN_ID")
    cancel.set_defaults(run=_cancel)
    compare = actions.add_parser("compare", help="show parameters, metrics and tags of runs side by side")
    compare.add_argument("run_ids", nargs="+", metavar="RUN_ID")
    compare.set_defaults(run=_compare)
    for action in (listing, show, logs, cancel, compare):
        add_workspace_argument(action)
        add_json_argument(action)


def _list(arguments: argparse.Namespace) -> int:
    chosen = workspaces.choose(arguments.workspace)
    found = [pair for workspace in chosen for pair in _runs(workspace, arguments.experiment, arguments.limit)]
    found.sort(key=lambda pair: pair[1].created_at, reverse=True)
    shown = found[: arguments.limit]
    if arguments.json:
        documents: list[Json] = [_run_documents.run_document(workspace, run) for workspace, run in shown]
        write_json({"runs": documents})
        return 0
    is_mixed = len(chosen) > 1
    rows = [((workspace,) if is_mixed else ()) + _row(run) for workspace, run in shown]
    tables.print_table((("workspace",) if is_mixed else ()) + _HEADER, rows, sys.stdout)
    return 0


def _runs(workspace: Workspace, experiment: str | None, limit: int) -> list[tuple[str, RunRecord]]:
    registry = workspace.registry()
    found = registry.runs.list(experiment=experiment, limit=limit)
    return [(workspace.name, runner_lock.close_if_lost(registry, run)) for run in found]


def _row(run: RunRecord) -> tuple[str, ...]:
    started = "" if run.started_at is None else run.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return run.id, run.experiment, run.name, run.status, started, tables.duration(run.started_at, run.ended_at)


def _show(arguments: argparse.Namespace) -> int:
    run = _find(arguments, arguments.run_id)
    if arguments.json:
        write_json(_run_documents.whole_run(run))
        return 0
    if not isinstance(run, pipeline_run.PipelineRun):
        raise UserErrorException(
            f"run {run.id!r} is a {run.type}; runs show takes the run of a pipeline, with --json any run"
        )
    tables.print_run_table(run, sys.stdout)
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    run = _find(arguments, arguments.run_id)
    if arguments.json and arguments.follow:
        raise UserErrorException("runs logs: --json and --follow exclude each other; give one")
    if arguments.json:
        texts: list[Json] = [{"step": name, "text": text} for name, text in _run_logs.texts(run, arguments.step)]
        write_json({"run_id": run.id, "logs": texts})
    else:
        _run_logs.print_logs(run, arguments.step, follow=arguments.follow)
    return 0


def _cancel(arguments: argparse.Namespace) -> int:
    runs = [_find(arguments, run_id) for run_id in arguments.run_ids]
    ended = [run.id for run in runs if run._record.is_final]
    for run in runs:
        run.cancel()
    if arguments.json:
        documents: list[Json] = [{"run_id": run.id, "status": run.get_status()} for run in runs]
        write_json({"runs": documents})
    else:
        for run in runs:
            said = "had ended already" if run.id in ended else "is asked to end"
            sys.stdout.write(f"run {run.id} {said}: {run.get_status()}\n")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    runs = [_find(arguments, run_id) for run_id in arguments.run_ids]
    if arguments.json:
        documents: list[Json] = [_run_documents.whole_run(run) for run in runs]
        write_json({"runs": documents})
        return 0
    registries = {run.experiment.workspace.name: run.experiment.workspace.registry() for run in runs}
    if len(registries) > 1:
        raise UserErrorException(f"runs compare: these runs are of several workspaces: {', '.join(registries)}")
    records = [run._record for run in runs]
    rows = _run_documents.compared_rows(next(iter(registries.values())), records)
    marked = [(name if len({*values}) == 1 else f"{name} *", *values) for name, values in rows]
    tables.print_table(("", *(f"{run.experiment} {run.number or run.id}" for run in records)), marked, sys.stdout)
    if any(row[0].endswith(" *") for row in marked):
        sys.stdout.write("* differs\n")
    return 0


def _find(arguments: argparse.Namespace, run_id: str) -> core_run.Run:
    # Asked for first: importing it is what makes runs of pipelines known as such.
    _ = pipeline_run.PipelineRun
    chosen = workspaces.choose(arguments.workspace)
    for workspace in chosen:
        if workspace.registry().runs.find(run_id) is not None:
            return core_run.Run.get(workspace, run_id)
    names = ", ".join(workspace.name for workspace in chosen)
    raise UserErrorException(f"there is no run {run_id!r} in workspace {names}; list them with runs list")
