"""Answers about runs, experiments and the workspace, to be read by a running script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_ml.execution.asking import dataset_json
from airflow_ml.execution.metrics import read_metrics
from airflow_ml.execution.secrets import read_secret
from airflow_ml.snapshots.archive import write_zip

if TYPE_CHECKING:
    from airflow_ml.execution.asking import Asking, Params
    from airflow_ml.graph import Json
    from airflow_ml.registry import ExperimentRecord, RunRecord
    from airflow_ml.runtime.channel_server import Handler

__all__ = ["RunAnswers"]

_PAGE = 50


class RunAnswers:
    """The handlers about runs and what they belong to."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._registry = asking.services.registry

    def handlers(self) -> Mapping[str, Handler]:
        """Return one handler per method."""
        return {
            "compute.list": self._compute_list,
            "experiment.get": self._experiment_get,
            "experiment.list": self._experiment_list,
            "run.children": self._run_children,
            "run.file": self._run_file,
            "run.files": self._run_files,
            "run.get": self._run_get,
            "run.inputs": self._run_inputs,
            "run.list": self._run_list,
            "run.metrics": self._run_metrics,
            "run.outputs": self._run_outputs,
            "secret.get": self._secret_get,
            "snapshot.zip": self._snapshot_zip,
            "workspace.get": self._workspace_get,
        }

    def _run_get(self, params: Params) -> dict[str, Json]:
        return _run(self._registry.runs.get(params["id"]))

    def _run_list(self, params: Params) -> list[dict[str, Json]]:
        found = self._registry.runs.list(
            experiment=params.get("experiment"),
            kind=params.get("kind"),
            status=params.get("status"),
            tags=params.get("tags") or {},
            properties=params.get("properties") or {},
            include_children=bool(params.get("include_children")),
            before=params.get("before"),
            limit=_PAGE,
        )
        return [_run(record) for record in found]

    def _run_metrics(self, params: Params) -> dict[str, Json]:
        name = params.get("name")
        return read_metrics(self._registry, params["id"], name, recursive=bool(params.get("recursive")))

    def _run_children(self, params: Params) -> list[dict[str, Json]]:
        children = self._registry.runs.children(params["id"], recursive=bool(params.get("recursive")))
        return [_run(run) for run in children]

    def _run_inputs(self, params: Params) -> dict[str, Json]:
        """Return the inputs that are datasets, in the form of a step's context; their paths are gone."""
        found: dict[str, Json] = {}
        for item in self._registry.inputs.of(params["id"]):
            if item.dataset_id is not None and item.source != "reference":
                record = self._registry.datasets.get(item.dataset_id)
                kind = str(record.definition.get("kind", "file"))
                found[item.name] = {"mode": item.mode, "kind": kind, "path": None, "dataset": dataset_json(record)}
        return found

    def _run_outputs(self, params: Params) -> list[dict[str, Json]]:
        return [
            {
                "name": output.name,
                "datastore": output.datastore,
                "path": output.path,
                "is_file": output.is_file,
                "pipeline_output_name": output.pipeline_output_name,
            }
            for output in self._registry.outputs.of(params["id"])
        ]

    def _run_files(self, params: Params) -> list[str]:
        return [item.name for item in self._registry.artifacts.list(params["id"])]

    def _run_file(self, params: Params) -> dict[str, Json]:
        record = self._registry.artifacts.get(params["id"], params["name"])
        target = self._asking.new_folder() / record.name.rpartition("/")[2]
        target.parent.mkdir(parents=True, exist_ok=True)
        self._asking.services.store(record.datastore).get(record.path, target)
        return {"path": str(target)}

    def _snapshot_zip(self, params: Params) -> dict[str, Json]:
        target = self._asking.new_folder() / f"{params['id']}.zip"
        write_zip(self._asking.services.artifacts, params["id"], target)
        return {"path": str(target)}

    def _experiment_get(self, params: Params) -> dict[str, Json]:
        return _experiment(self._registry.experiments.get(params["name"]))

    def _experiment_list(self, _params: Params) -> list[dict[str, Json]]:
        return [_experiment(record) for record in self._registry.experiments.list(include_archived=True)]

    def _compute_list(self, _params: Params) -> list[dict[str, Json]]:
        return [
            {"name": record.name, "type": record.type, "vm_size": record.settings.get("vm_size")}
            for record in self._registry.compute_targets.list()
        ]

    def _secret_get(self, params: Params) -> dict[str, Json]:
        return {"value": read_secret(params["name"], missing_ok=bool(params.get("missing_ok")))}

    def _workspace_get(self, _params: Params) -> dict[str, Json]:
        workspace = self._registry.workspace
        return {
            "name": workspace.name,
            "subscription_id": workspace.subscription_id,
            "resource_group": workspace.resource_group,
            "id": workspace.id,
        }


def _experiment(record: ExperimentRecord) -> dict[str, Json]:
    return {
        "id": record.id,
        "name": record.name,
        "tags": dict(record.tags),
        "archived_at": None if record.archived_at is None else record.archived_at.isoformat(),
    }


def _run(record: RunRecord) -> dict[str, Json]:
    return {
        "id": record.id,
        "name": record.name,
        "sequence": record.sequence,
        "node_id": record.node_id,
        "number": record.number,
        "experiment": record.experiment,
        "experiment_id": record.experiment_id,
        "parent_id": record.parent_id,
        "root_id": record.root_id,
        "status": record.status,
        "kind": record.kind,
        "target": record.target,
        "error": None if record.error is None else dict(record.error),
        "display_name": record.display_name,
        "description": record.description,
        "tags": dict(record.tags),
        "properties": dict(record.properties),
        "started_at": None if record.started_at is None else record.started_at.isoformat(),
        "ended_at": None if record.ended_at is None else record.ended_at.isoformat(),
    }
