"""
Previews of datasets, made in a worker by a pipeline of one step.

The API server reads no data: formats have readers that were broken before, and data can be large. It reads what the
step wrote down, which is short and JSON. A preview of data that has not changed is reused like any step's result.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.stores import Stores
from airflow_ml.graph import DatasetSource, Graph, InputPort, Step, WorkspaceRef
from airflow_ml.translation.submission import dag_id_of, submit

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import DatasetRecord, Registry, RunRecord

__all__ = ["find_preview", "read_preview", "start_preview"]

logger = logging.getLogger(__name__)

EXPERIMENT = "dataset-previews"

#: Tag of the pipeline's run: the dataset's id, which equal definitions share.
_TAG = "airflow_ml.preview"

_CODE = Path(__file__).with_name("preview_code")
_FILE = "outputs/preview.json"

#: More than the step writes for any data.
_MOST = 4 << 20


def start_preview(workspace: WorkspaceRef, dataset: DatasetRecord, *, check: Callable[[str], None]) -> str:
    """
    Start the run that makes a preview and return its id.

    Args:
        check: called with the id of the run's DAG before anything is started; raises for somebody who may not.

    Raises:
        UserErrorException: the dataset is not there any more.
        ServiceException: the run could not be started.
    """
    graph = _graph(workspace, dataset)
    check(dag_id_of(graph, EXPERIMENT))
    return submit(graph, experiment=EXPERIMENT, parameters={}, tags={_TAG: dataset.id}, continue_on_step_failure=False)


def find_preview(registry: Registry, dataset: DatasetRecord) -> RunRecord | None:
    """Return the newest run that makes a preview of the dataset, or has made one."""
    return next(iter(registry.runs.list(tags={_TAG: dataset.id}, limit=1)), None)


def read_preview(registry: Registry, run: RunRecord) -> dict[str, Json] | None:
    """Return columns and rows as a run's step wrote them down; None where there is nothing to be read."""
    for step in registry.runs.steps(run.id):
        reuse = cast("dict[str, Json]", step.details.get("reuse") or {})
        owner = str(reuse.get("run_id") or step.id)
        record = registry.artifacts.find(owner, _FILE) or registry.artifacts.find(step.id, _FILE)
        if record is not None and record.size <= _MOST:
            try:
                with Stores(registry)(record.datastore).open_read(record.path) as file:
                    return _checked(json.loads(file.read(_MOST)))
            except (OSError, ValueError, AzureMLException) as error:
                logger.warning("run %s: its preview cannot be read: %s", step.id, error)
    return None


def _graph(workspace: WorkspaceRef, dataset: DatasetRecord) -> Graph:
    source = DatasetSource(name=dataset.name, version=str(dataset.version))
    step = Step(
        "preview",
        "preview",
        "python_script",
        script="preview.py",
        inputs=(InputPort("data", source, mode="direct"),),
        source_directory=str(_CODE),
    )
    return Graph("preview", workspace, (step,), description=f"preview of {dataset.name}, version {dataset.version}")


def _checked(found: object) -> dict[str, Json]:
    if not isinstance(found, dict) or not isinstance(found.get("columns"), list) or not isinstance(found["rows"], list):
        raise ValueError("it has no columns and rows")
    return {"columns": found["columns"], "rows": [row for row in found["rows"] if isinstance(row, list)]}
