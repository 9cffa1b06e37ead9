"""`airflow-ml reuse list | explain | invalidate | gc`: results that later runs take, and why a run took them or not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli import gc_command
from airflow_ml.cli._arguments import add_json_argument, add_workspace_argument, describe, positive
from airflow_ml.cli._output import write_json
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.cli import _results, tables, workspaces
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry
else:
    _results = late("airflow_ml.cli._results")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_EXAMPLES = """
airflow-ml reuse list --step train
airflow-ml reuse explain 5a1c...                                       # a pipeline's run, or a step's
airflow-ml reuse invalidate --dataset raw@2 --reason "wrong units"
airflow-ml reuse gc --older-than 90 --delete
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("reuse", help=words)
    describe(parser, "The results of earlier runs, which later runs take.", _EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_list(actions)
    _add_explain(actions)
    _add_invalidate(actions)
    gc_command.add_to(actions)


def _add_list(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = actions.add_parser("list", help="list results, newest first")
    listing.add_argument("--step", metavar="NAME", help="default: all")
    listing.add_argument("--pipeline", metavar="NAME", help="default: all")
    listing.add_argument("--limit", type=positive, default=20, metavar="N", help="default: %(default)s")
    add_json_argument(listing)
    add_workspace_argument(listing)
    listing.set_defaults(run=_list)


def _add_explain(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    explain = actions.add_parser(
        "explain",
        help="say why steps were reused or ran",
        description="Of a pipeline's run: every step's decision. Of a step's run: what its result was compared by.",
    )
    explain.add_argument("run_id", metavar="RUN_ID")
    add_json_argument(explain)
    add_workspace_argument(explain)
    explain.set_defaults(run=_explain)


def _add_invalidate(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    invalidate = actions.add_parser("invalidate", help="let no run take these results any more")
    wanted = invalidate.add_argument_group("which results; several limits hold together")
    wanted.add_argument(
        "--run",
        dest="run_id",
        metavar="RUN_ID",
        help="of this step's run, or of all steps of this pipeline's run",
    )
    wanted.add_argument("--step", metavar="NAME", help="of steps of this name")
    wanted.add_argument("--pipeline", metavar="NAME", help="of pipelines of this name")
    wanted.add_argument("--dataset", metavar="NAME[@VERSION]", help="of runs that read it; default: in any version")
    wanted.add_argument("--fingerprint", metavar="DIGEST", help="of this fingerprint")
    wanted.add_argument("--all", action="store_true", help="all of the workspace")
    invalidate.add_argument("--reason", required=True, metavar="TEXT", help="kept with the results, and shown")
    invalidate.add_argument("--yes", action="store_true", help="do not ask; with --json nobody is asked either")
    add_json_argument(invalidate)
    add_workspace_argument(invalidate)
    invalidate.set_defaults(run=_invalidate)


def _list(arguments: argparse.Namespace) -> int:
    chosen = workspaces.choose(arguments.workspace)
    found = [
        (workspace.name, result)
        for workspace in chosen
        for result in _results.list_results(
            workspace.registry(), step=arguments.step, pipeline=arguments.pipeline, limit=arguments.limit
        )
    ]
    found.sort(key=lambda pair: pair[1].recorded_at, reverse=True)
    shown = found[: arguments.limit]
    if arguments.json:
        documents: list[Json] = [{"workspace": name, **result.document()} for name, result in shown]
        write_json({"results": documents})
        return 0
    is_mixed = len(chosen) > 1
    rows = [((name,) if is_mixed else ()) + result.row() for name, result in shown]
    tables.print_table((("workspace",) if is_mixed else ()) + _results.HEADER, rows, sys.stdout)
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    workspace = _workspace_of_run(arguments)
    run = workspace.registry().runs.get(arguments.run_id)
    if run.kind not in ("pipeline", "step"):
        raise UserErrorException(f"run {run.id!r} is of kind {run.kind!r}; only steps of pipelines are reused")
    explained = _results.explain_pipeline if run.kind == "pipeline" else _results.explain_step
    document, lines = explained(workspace.ref, run)
    if arguments.json:
        write_json(document)
    else:
        sys.stdout.write("\n".join([*lines, ""]))
    return 0


def _invalidate(arguments: argparse.Namespace) -> int:
    limits = {"run": "run_id", **{name: name for name in ("step", "pipeline", "dataset", "fingerprint")}}
    given = {name: getattr(arguments, field) for name, field in limits.items() if getattr(arguments, field) is not None}
    if not given and not arguments.all:
        raise UserErrorException(
            "reuse invalidate: say which results: --run, --step, --pipeline, --dataset, ... or --all"
        )
    if given and arguments.all:
        raise UserErrorException(f"reuse invalidate: --all and --{next(iter(given))} contradict each other; give one")
    if not arguments.reason.strip():
        raise UserErrorException("reuse invalidate: --reason says nothing; later runs show it as why they run")
    workspace = _one_workspace(arguments)
    _confirm(arguments, workspace, given)
    count = sum(_invalidate_in(workspace.registry(), arguments, wanted) for wanted in _datasets(arguments, workspace))
    if arguments.json:
        write_json({"workspace": workspace.name, "invalidated": count})
        return 0
    sys.stdout.write(f"{count:,} {'result' if count == 1 else 'results'} of workspace {workspace.name!r} invalidated\n")
    return 0


def _one_workspace(arguments: argparse.Namespace) -> Workspace:
    if arguments.run_id:
        return _workspace_of_run(arguments)
    chosen = workspaces.choose(arguments.workspace)
    if len(chosen) > 1:
        names = ", ".join(workspace.name for workspace in chosen)
        raise UserErrorException(f"reuse invalidate: several workspaces are on this machine: {names}; give --workspace")
    return chosen[0]


def _confirm(arguments: argparse.Namespace, workspace: Workspace, given: dict[str, str]) -> None:
    if arguments.yes:
        return
    what = " and ".join(f"{name} {value!r}" for name, value in given.items()) or "everything"
    if arguments.json or not sys.stdin.isatty():
        raise UserErrorException("reuse invalidate: nobody can be asked here; give --yes")
    sys.stdout.write(f"invalidate the results of {what} in workspace {workspace.name!r}? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UserErrorException("reuse invalidate: nothing was changed")


def _invalidate_in(registry: Registry, arguments: argparse.Namespace, dataset_id: str | None) -> int:
    return registry.results.invalidate(
        reason=arguments.reason,
        step=arguments.step,
        pipeline=arguments.pipeline,
        run_id=arguments.run_id,
        dataset_id=dataset_id,
        fingerprint=arguments.fingerprint,
    )


def _datasets(arguments: argparse.Namespace, workspace: Workspace) -> Iterator[str | None]:
    """Return the ids of the dataset that is meant, or None where none is."""
    if arguments.dataset is None:
        yield None
        return
    name, _, version = arguments.dataset.partition("@")
    datasets = workspace.registry().datasets
    if version:
        yield datasets.by_name(name, version).id
        return
    versions = datasets.versions(name)
    if not versions:
        raise UserErrorException(
            f"workspace {workspace.name!r} has no dataset {name!r}; Dataset.get_all gives those it has"
        )
    yield from dict.fromkeys(record.id for record in versions)


def _workspace_of_run(arguments: argparse.Namespace) -> Workspace:
    run_id = arguments.run_id
    chosen = workspaces.choose(arguments.workspace)
    for workspace in chosen:
        if workspace.registry().runs.find(run_id) is not None:
            return workspace
    names = ", ".join(workspace.name for workspace in chosen)
    raise UserErrorException(f"there is no run {run_id!r} in workspace {names}; list them with runs list")
