"""`airflow-ml runs list | show`: what has run, and what came out of it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_workspace_argument, positive
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.cli import tables, workspaces
    from airflow_ml.core import run as core_run
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import runner_lock
    from airflow_ml.pipeline.core import run as pipeline_run
    from airflow_ml.registry import RunRecord
else:
    core_run = late("airflow_ml.core.run")
    pipeline_run = late("airflow_ml.pipeline.core.run")
    runner_lock = late("airflow_ml.execution.runner_lock")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_HEADER = ("id", "experiment", "name", "status", "started", "duration")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("runs", help="list runs and show one")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list runs, newest first")
    listing.add_argument("--experiment", metavar="NAME", help="default: all")
    listing.add_argument("--limit", type=positive, default=20, metavar="N", help="default: %(default)s")
    listing.set_defaults(run=_list)
    show = actions.add_parser("show", help="show the steps of a pipeline's run: states, times, metrics, outputs")
    show.add_argument("run_id", metavar="RUN_ID")
    show.set_defaults(run=_show)
    for action in (listing, show):
        add_workspace_argument(action)


def _list(arguments: argparse.Namespace) -> int:
    chosen = workspaces.choose(arguments.workspace)
    found = [pair for workspace in chosen for pair in _runs(workspace, arguments.experiment, arguments.limit)]
    found.sort(key=lambda pair: pair[1].created_at, reverse=True)
    is_mixed = len(chosen) > 1
    rows = [((workspace,) if is_mixed else ()) + _row(run) for workspace, run in found[: arguments.limit]]
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
    # Asked for first: importing it is what makes runs of pipelines known as such.
    pipeline_class = pipeline_run.PipelineRun
    run = _find(arguments)
    if not isinstance(run, pipeline_class):
        raise UserErrorException(f"run {run.id!r} is a {run.type}; runs show takes the run of a pipeline")
    tables.print_run_table(run, sys.stdout)
    return 0


def _find(arguments: argparse.Namespace) -> core_run.Run:
    chosen = workspaces.choose(arguments.workspace)
    for workspace in chosen:
        if workspace.registry().runs.find(arguments.run_id) is not None:
            return core_run.Run.get(workspace, arguments.run_id)
    names = ", ".join(workspace.name for workspace in chosen)
    raise UserErrorException(f"there is no run {arguments.run_id!r} in workspace {names}; list them with runs list")
