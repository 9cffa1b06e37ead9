"""What `Run.get_details` says of a run, and the texts of its logs. Imported at its first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airflow_ml.compute.request import MASK
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.exceptions import DatasetNotFoundError
from airflow_ml.execution.artifacts import LOG_NAME
from airflow_ml.execution.logs import RunLog
from airflow_ml.execution.stores import Stores
from airflow_ml.graph import ParameterRef, from_json
from airflow_ml.graph.secret_names import is_secret_name, secret_arguments
from airflow_ml.runtime.protocol import RunDirectory

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Part, Step
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["definition_of", "describe_run", "read_logs", "step_of"]

#: Folders of a run's files that hold logs, of the old and the new runtime of v1.
_LOG_FOLDERS = ("user_logs/", "logs/", "system_logs/", "azureml-logs/")


def describe_run(workspace: Workspace, record: RunRecord) -> dict[str, Any]:
    """Return what is known of the run, with v1's keys and forms; what is not known yet is left out, as in v1."""
    registry = workspace.registry()
    times = {"startTimeUtc": record.started_at, "endTimeUtc": record.ended_at}
    return {
        "runId": record.id,
        "target": record.target,
        "status": record.status,
        **{name: _time_text(time) for name, time in times.items() if time is not None},
        "properties": dict(record.properties),
        "inputDatasets": _inputs(workspace, record),
        "outputDatasets": _outputs(workspace, record),
        "runDefinition": definition_of(registry, record),
        "logFiles": _log_places(registry, record),
        "submittedBy": None,
        **({"error": {"error": dict(record.error)}} if record.error else {}),
        "warnings": [],
    }


def _time_text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _inputs(workspace: Workspace, record: RunRecord) -> list[dict[str, Any]]:
    return [
        {
            "dataset": _dataset(workspace, item.dataset_id, item.dataset_name, item.dataset_version),
            "consumptionDetails": {"type": "Reference"}
            if item.source == "reference"
            else {
                "type": "RunInput",
                "inputName": item.name,
                "mechanism": item.mode.title(),
                "pathOnCompute": None,
            },
        }
        for item in workspace.registry().inputs.of(record.id)
        if item.dataset_id is not None
    ]


def _outputs(workspace: Workspace, record: RunRecord) -> list[dict[str, Any]]:
    return [
        {
            "dataset": _dataset(workspace, None, item.dataset_name, item.dataset_version),
            "outputType": "RunOutput",
            "outputDetails": {"outputName": item.name},
        }
        for item in workspace.registry().outputs.of(record.id)
        if item.dataset_name is not None
    ]


def _dataset(
    workspace: Workspace, dataset_id: str | None, name: str | None, version: int | None
) -> AbstractDataset | None:
    """Return the version that was used; one that is registered no more by its id, which keeps its definition."""
    try:
        if name is not None and version is not None:
            return AbstractDataset.get_by_name(workspace, name, version)
    except DatasetNotFoundError:
        pass
    return None if dataset_id is None else AbstractDataset.get_by_id(workspace, dataset_id)


def step_of(registry: Registry, record: RunRecord) -> Step | None:
    """Return the definition that a step's or script's run was made of; None for other runs."""
    if record.kind not in ("step", "script"):
        return None
    text = registry.runs.graph(record.id) or (record.parent_id and registry.runs.graph(record.parent_id))
    steps = from_json(text).steps if text else ()
    return next((step for step in steps if record.kind == "script" or step.id == record.node_id), None)


def definition_of(registry: Registry, record: RunRecord) -> dict[str, Any]:
    """Return how the run was asked for, with v1's keys; `{}` for runs that no step or script drives."""
    step = step_of(registry, record)
    if step is None:
        return {}
    environment = dict(step.environment or {})
    variables = {**cast("dict[str, str]", environment.pop("environment_variables", {})), **step.environment_variables}
    settings = {
        name: _text(value) if isinstance(value, ParameterRef) else value for name, value in step.run_settings.items()
    }
    return {
        "script": step.script,
        "arguments": _shown_arguments(step),
        "target": record.target,
        "framework": settings.get("framework") or "Python",
        "communicator": settings.get("communicator") or "None",
        "nodeCount": settings.get("node_count", 1),
        "maxRunDurationSeconds": settings.get("max_run_duration_seconds"),
        "environment": {
            **environment,
            "name": environment.get("name", "default-environment"),
            "version": environment.get("version"),
            "environmentVariables": {
                # They are printed with the details at the end of a run, so what looks like a secret is masked.
                name: MASK if value and is_secret_name(name) else value
                for name, value in variables.items()
            },
        },
    }


def _shown_arguments(step: Step) -> list[str]:
    """Return the arguments as v1 wrote them; like variables they are printed, so secrets are masked."""
    texts = ["".join(map(_text, argument)) for argument in step.arguments]
    return [MASK if is_secret else text for text, is_secret in zip(texts, secret_arguments(texts), strict=True)]


def _text(part: Part) -> str:
    """Return a piece of an argument as v1 wrote it: places by the variable or parameter that they stand for."""
    if isinstance(part, str):
        return part
    return (
        f"$AZUREML_PARAMETER_{part.name}" if isinstance(part, ParameterRef) else f"$AZUREML_DATAREFERENCE_{part.port}"
    )


def _log_places(registry: Registry, record: RunRecord) -> dict[str, str]:
    """Return where each log lies: a path of this machine if there is one, else that on the artifact store."""
    places = Stores(registry)
    found = {}
    for item in registry.artifacts.list(record.id):
        if item.name.startswith(_LOG_FOLDERS):
            found[item.name] = str(places(item.datastore).local_path(item.path) or item.path)
    live = Path(RunDirectory(registry.home.runs / record.id).log)
    if LOG_NAME not in found and live.is_file():
        found[LOG_NAME] = str(live)
    return found


def read_logs(registry: Registry, record: RunRecord) -> dict[str, str]:
    """Return the text of each log by its name, of a run that goes on as far as it is written."""
    places = Stores(registry)
    texts = {LOG_NAME: RunLog(registry, record.id).read_new()} if LOG_NAME in _log_places(registry, record) else {}
    for item in registry.artifacts.list(record.id):
        if item.name.startswith(_LOG_FOLDERS) and item.name != LOG_NAME:
            with places(item.datastore).open_read(item.path) as file:
                texts[item.name] = file.read().decode("utf-8", "replace")
    return texts
