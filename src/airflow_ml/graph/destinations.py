"""Where an output goes on its datastore."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.graph.model import OutputPort

__all__ = ["destination_of"]

#: v1's default places on the datastore, by the output's kind.
_DEFAULTS = {
    "pipeline_data": "azureml/{run-id}/{output-name}",
    "file_dataset": "dataset/{run-id}/{output-name}",
    "copied_rows": "azureml/{run-id}/{output-name}",
}


def destination_of(port: OutputPort, run_id: str) -> str:
    """Return the path at which the output of a step run lies, or would lie."""
    template = port.destination or _DEFAULTS[port.kind]
    return template.replace("{run-id}", run_id).replace("{output-name}", port.name).strip("/")
