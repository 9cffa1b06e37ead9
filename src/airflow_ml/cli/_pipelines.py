"""What a command means by FILE.py, MODULE, GRAPH.json, a DAG's id or a published pipeline: the pipelines behind it."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml._late import late
from airflow_ml.cli._scripts import FoundPipeline, run_file, run_module
from airflow_ml.exceptions import AzureMLException, UserErrorException
from airflow_ml.graph import check_value, from_json
from airflow_ml.graph.reuse_modes import mode_of_submit
from airflow_ml.registry.sealed_json import opened_text

if TYPE_CHECKING:
    import argparse

    from airflow_ml.cli import workspaces
    from airflow_ml.execution import publishing
    from airflow_ml.graph import Graph, Json, Parameter
    from airflow_ml.graph.reuse_modes import ReuseMode
    from airflow_ml.registry import Home, Registry
else:
    publishing = late("airflow_ml.execution.publishing")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["find_pipelines", "mode_of", "parameters_of", "values_of"]

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def find_pipelines(arguments: argparse.Namespace) -> list[FoundPipeline]:
    """
    Return the pipelines that the command line names.

    A file is taken as such; a name is looked up as the id of a DAG, then as a published pipeline, then as a module.

    Raises:
        UserErrorException: there is nothing of that name, or no pipeline in it.
    """
    found = _find(arguments.target, arguments.script_arguments, arguments.workspace)
    if arguments.pipeline is None:
        return found
    chosen = [pipeline for pipeline in found if pipeline.name == arguments.pipeline]
    if not chosen:
        names = ", ".join(repr(pipeline.name) for pipeline in found)
        raise UserErrorException(f"{arguments.target!r} has no pipeline {arguments.pipeline!r}; it has: {names}")
    return chosen


def mode_of(pipeline: FoundPipeline, given: ReuseMode | None) -> ReuseMode:
    """Return how results are reused: as the command line says, or else the script's submit, or else normally."""
    if given is not None:
        return given
    said = pipeline.submission
    return mode_of_submit(said.get("reuse"), regenerate_outputs=bool(said.get("regenerate_outputs")))


def parameters_of(pipeline: FoundPipeline, texts: Sequence[str]) -> dict[str, Json]:
    """
    Return the values that the script submits, with those of the command line over them.

    Raises:
        UserErrorException: as `values_of`.
    """
    return {**pipeline.submission.get("parameters", {}), **values_of(pipeline.graph, texts)}


def values_of(graph: Graph, texts: Sequence[str]) -> dict[str, Json]:
    """
    Read `NAME=VALUE` texts as values of the graph's parameters.

    Raises:
        UserErrorException: no such parameter, or a value of another kind than its default.
    """
    known = {parameter.name: parameter for parameter in graph.parameters}
    values: dict[str, Json] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserErrorException(f"parameter {text!r}: expected NAME=VALUE")
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise UserErrorException(f"pipeline {graph.name!r} has no parameter {name!r}; it declares: {names}")
        values[name] = check_value(known[name], _read_value(known[name], value))
    return values


def _read_value(parameter: Parameter, text: str) -> Json:
    """Return the text as its kind; what cannot be read so stays text and is refused later."""
    try:
        if parameter.kind == "integer":
            return int(text)
        if parameter.kind == "number":
            return float(text)
    except ValueError:
        return text
    return _WORDS.get(text.lower(), text) if parameter.kind == "boolean" else text


def _find(target: str, arguments: Sequence[str], workspace: str | None) -> list[FoundPipeline]:
    file = Path(target)
    if file.suffix in (".py", ".json") or file.is_file() or os.sep in target:
        return _of_file(file, arguments)
    found = _stored(target, workspace)
    if found:
        return found
    if workspace is None and _is_module(target):
        return run_module(target)
    raise UserErrorException(
        f"{target!r} is no file, no DAG that has run with a pipeline of this machine's workspaces, no published"
        " pipeline and no module; name one of them (of a DAG whose steps are written by hand its file)"
    )


def _of_file(file: Path, arguments: Sequence[str]) -> list[FoundPipeline]:
    if not file.is_file():
        raise UserErrorException(f"{str(file)!r}: is not a file")
    if file.suffix == ".ipynb":
        raise UserErrorException(
            f"{str(file)!r}: is a notebook; make a script of it with jupyter nbconvert --to script"
        )
    return [_of_graph_file(file)] if file.suffix == ".json" else run_file(file, arguments)


def _of_graph_file(file: Path) -> FoundPipeline:
    """Read a graph, or what lies beside the DAG file of a submitted pipeline."""
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise UserErrorException(f"{str(file)!r}: cannot be read as JSON: {error}") from error
    if isinstance(document, dict) and "dag_id" in document:
        return FoundPipeline(str(document["dag_id"]), from_json(opened_text(document["graph"], where=repr(str(file)))))
    try:
        graph = from_json(text)
    except AzureMLException as error:
        raise error.at(repr(str(file))) from error
    return FoundPipeline(graph.name, graph)


def _stored(name: str, workspace: str | None) -> list[FoundPipeline]:
    try:
        chosen = workspaces.choose(workspace)
    except UserErrorException:
        if workspace is not None:
            raise
        return []
    for candidate in chosen:
        registry = candidate.registry()
        found = _runs_of_dag(registry, name) or _published(registry, name)
        if found:
            return found
    stub = _submitted(name)
    return [] if stub is None else [_of_graph_file(stub)]


def _runs_of_dag(registry: Registry, dag_id: str) -> list[FoundPipeline]:
    """Return the DAG's pipelines as they ran last; no graph is kept of steps that are written by hand."""
    runs = registry.runs.newest_of_dag(dag_id)
    texts = {run.group_id or dag_id: registry.runs.graph(run.id) for run in runs}
    return [FoundPipeline(name, from_json(text)) for name, text in texts.items() if text is not None]


def _published(registry: Registry, name: str) -> list[FoundPipeline]:
    """Return the published pipeline of that id; of that name the newest one."""
    records = registry.published_pipelines.list(active_only=False)
    matching = [record for record in records if name in (record.id, record.name)]
    if not matching:
        return []
    newest = matching[-1]
    graph = from_json(registry.published_pipelines.graph(newest.id))
    submission = {
        "continue_on_step_failure": newest.continue_on_step_failure,
        "properties": publishing.properties_of(newest),
    }
    return [FoundPipeline(newest.name, graph, submission, published_id=newest.id)]


def _submitted(dag_id: str) -> Path | None:
    """Return the file of a pipeline that was submitted to the service of this machine."""
    from_service = late("airflow_ml.translation.service_files")
    home = cast("type[Home]", late("airflow_ml.registry.home").Home).default()
    file: Path = from_service.ServiceFiles.of(home).dags / f"{dag_id}.json"
    return file if file.is_file() else None


def _is_module(name: str) -> bool:
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # no package of that name, or a module that was made by hand
        return False
