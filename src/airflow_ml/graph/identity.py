"""v1's id of what a step does, whatever pipeline it stands in."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from airflow_ml.graph.codec import step_to_data

if TYPE_CHECKING:
    from airflow_ml.graph.model import Step

__all__ = ["module_id"]

#: Of the ids; any fixed one does.
_NAMESPACE = uuid.UUID("6f0f7a52-6d0b-5c0e-9d0c-2a4f6f8b1e37")


def module_id(step: Step) -> str:
    """
    Return the id of the step's definition: a guid that is the same for the same definition.

    v1 calls it the module's id, prints it at submit and keeps it as `azureml.moduleid`. It says nothing of reuse.
    """
    data = {name: value for name, value in step_to_data(step).items() if name != "id"}
    return str(uuid.uuid5(_NAMESPACE, json.dumps(data, sort_keys=True)))
